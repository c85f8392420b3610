/** One thread's share of the load: its connections, its objects, and the phases it is told to run on them. */
import { ContentSource, scramble } from './content.ts';
import { ContentChecker } from './content-checker.ts';
import { HttpConnection, type Endpoint } from './http-client.ts';
import { ObjectSet } from './object-set.ts';
import type { Cell, PhaseOrder, PhaseResult } from './phase.ts';
import { PhaseRunner } from './phase-runner.ts';
import { RandomSequence } from './random-sequence.ts';
import { RequestFactory } from './request-factory.ts';
import { StoreClient } from './store-client.ts';
import type { FromWorker, WorkerSetup } from './worker-messages.ts';
import { workloadOf } from './workload.ts';

export const WORKERS_MAX = 64;
const FIGURES_PERIOD_MS = 500;
const PROGRESS_CHECK_PERIOD_MS_MAX = 1000;
/** Up to this size every byte read is compared, and every ETag up to a quarter of it. */
const SMALL_BYTES = 64 * 1024;
const LARGE_READ_FRACTION = 1 / 8;
const MEDIUM_BYTES = 1024 * 1024;
const MEDIUM_ETAG_FRACTION = 1 / 16;

export function defaultReadFraction(sizeBytes: number): number {
  return sizeBytes <= SMALL_BYTES ? 1 : LARGE_READ_FRACTION;
}

/** An MD5 sum costs more than all the rest of a large PUT: it is left to the reads to find what is wrong. */
export function defaultEtagFraction(sizeBytes: number): number {
  if (sizeBytes <= SMALL_BYTES / 4) return 1;
  return sizeBytes <= MEDIUM_BYTES ? MEDIUM_ETAG_FRACTION : 0;
}

export function endpointOf(url: string): Endpoint {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'https:';
  return {
    secure,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 443 : 80) : Number(port),
  };
}

interface CellState {
  readonly cell: Cell;
  readonly objects: ObjectSet;
  readonly clients: StoreClient[];
}

export class LoadWorker {
  readonly #setup: WorkerSetup;
  readonly #post: (message: FromWorker) => void;
  readonly #source: ContentSource;
  readonly #factory: RequestFactory;
  readonly #random: RandomSequence;
  #state: CellState | undefined;
  #runner: PhaseRunner | undefined;

  constructor(setup: WorkerSetup, post: (message: FromWorker) => void) {
    this.#setup = setup;
    this.#post = post;
    this.#source = new ContentSource(setup.seed);
    this.#factory = new RequestFactory(setup.target, Date.now);
    this.#random = new RandomSequence(this.#seedOf(0));
  }

  stop(): void {
    this.#runner?.stop();
  }

  async run(order: PhaseOrder): Promise<void> {
    const state = this.#enterCell(order);
    const clients = state.clients.slice(0, order.connections);
    for (const client of clients) client.beginPhase();
    const workload = workloadOf(order.activity, state.objects, this.#random);
    const runner = new PhaseRunner(order, clients, workload, this.#setup.live, () =>
      this.#post({ type: 'measuring' }),
    );
    this.#runner = runner;
    const timers = [
      setInterval(
        () => {
          const nowMs = performance.now();
          for (const client of clients) client.connection.checkProgress(nowMs);
        },
        Math.min(this.#setup.timeoutMs / 4, PROGRESS_CHECK_PERIOD_MS_MAX),
      ),
    ];
    if (this.#setup.live)
      timers.push(
        setInterval(() => this.#post({ type: 'figures', figures: runner.figures() }), FIGURES_PERIOD_MS),
      );
    try {
      const result: PhaseResult = { ...(await runner.run()), objectsPresent: state.objects.presentCount };
      this.#post({ type: 'result', result });
    } finally {
      for (const timer of timers) clearInterval(timer);
      this.#runner = undefined;
    }
  }

  close(): void {
    for (const client of this.#state?.clients ?? []) client.connection.destroy();
    this.#state = undefined;
  }

  #enterCell(order: PhaseOrder): CellState {
    if (this.#state?.cell.number !== order.cell.number) {
      this.close();
      const { workerIndex, namePrefix } = this.#setup;
      const prefix = `${namePrefix}c${order.cell.number}/w${workerIndex}/`;
      const objects = new ObjectSet(prefix, order.cell.number * WORKERS_MAX + workerIndex);
      this.#state = { cell: order.cell, objects, clients: [] };
    }
    const state = this.#state;
    while (state.clients.length < order.connections)
      state.clients.push(this.#newClient(state, state.clients.length));
    return state;
  }

  #newClient(state: CellState, slot: number): StoreClient {
    const setup = this.#setup;
    const { sizeBytes } = state.cell;
    const random = new RandomSequence(this.#seedOf(state.cell.number * 0x10000 + slot + 1));
    const fraction = setup.checkReads ?? defaultReadFraction(setup.rangeBytes ?? sizeBytes);
    return new StoreClient(
      {
        sizeBytes,
        rangeBytes: setup.rangeBytes,
        multipartBytes: setup.multipartBytes,
        signedPayload: setup.signedPayload,
        etagsAreMd5: setup.target.protocol === 's3',
        etagFraction: setup.checkEtags ?? defaultEtagFraction(sizeBytes),
      },
      {
        connection: new HttpConnection(endpointOf(setup.target.endpoint), setup.timeoutMs, sizeBytes),
        factory: this.#factory,
        source: this.#source,
        checker: new ContentChecker(this.#source, random, fraction, sizeBytes),
        random,
        objects: state.objects,
      },
    );
  }

  #seedOf(number: number): number {
    let seed = scramble(number ^ scramble(this.#setup.workerIndex + 1));
    for (const byte of Buffer.from(this.#setup.seed)) seed = scramble(seed ^ byte);
    return seed;
  }
}
