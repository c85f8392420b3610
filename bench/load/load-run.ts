/** A run: rounds of cells, in each cell the operations in turn, and after it the store as it was found. */
import { hash } from 'node:crypto';
import { errorText, HoldfastError } from '#common/errors.ts';
import {
  describeMachine,
  DOCUMENT_SCHEMA,
  DOCUMENT_SCHEMA_VERSION,
  type LoadDocument,
  type Row,
} from '../report/document.ts';
import type { ProgressLabel, ProgressLine } from '../report/progress-line.ts';
import { type CpuSample, makeRow } from '../report/row.ts';
import type { Bucket } from './bucket.ts';
import { Crew } from './crew.ts';
import type { Activity, Cell, Operation, PhaseOrder, PhaseResult } from './phase.ts';
import { machineCpuSeconds, serverCpuSeconds } from './server-cpu.ts';
import type { LoadSettings } from './settings.ts';
import { connectionShares, proportionalShares } from './shares.ts';
import type { WorkerSetup } from './worker-messages.ts';

const FILL_BYTES_DEFAULT = 2 ** 30;
const FILL_OBJECTS_DEFAULT = 1000;
/** Connections that fill and clear at least, where the objects are small: nobody measures these. */
const SERVICE_CONNECTIONS = 8;
const SERVICE_SIZE_BYTES_MAX = 2 ** 20;
const MD5_SAMPLE_BYTES = 16 * 2 ** 20;
const INTERRUPTED = 'interrupted';

/** MiB/s of one core here and now, the best of three. */
function md5MiBPerS(): number {
  const bytes = Buffer.alloc(MD5_SAMPLE_BYTES, 1);
  let best = 0;
  for (let turn = 0; turn < 3; turn++) {
    const before = process.threadCpuUsage();
    hash('md5', bytes, 'hex');
    const { user, system } = process.threadCpuUsage(before);
    best = Math.max(best, MD5_SAMPLE_BYTES / 2 ** 20 / ((user + system) / 1e6));
  }
  return Math.round(best);
}

export interface RunEvents {
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
  /** After each row, and once more at the end. */
  save(document: LoadDocument): void;
}

export class LoadRun {
  readonly document: LoadDocument;
  readonly #settings: LoadSettings;
  readonly #bucket: Bucket;
  readonly #events: RunEvents;
  #crew: Crew | undefined;
  #cellNumber = 0;
  #cellsToCome: number;
  #phasesToCome: number;
  /** Objects that each worker has in the cell. */
  #present: number[] = [];
  #removing = false;

  constructor(settings: LoadSettings, bucket: Bucket, events: RunEvents) {
    this.#settings = settings;
    this.#bucket = bucket;
    this.#events = events;
    this.#cellsToCome = settings.repeat * settings.sizesBytes.length * settings.concurrencies.length;
    this.#phasesToCome = this.#cellsToCome * settings.operations.length;
    this.document = {
      schema: DOCUMENT_SCHEMA,
      schemaVersion: DOCUMENT_SCHEMA_VERSION,
      startedAt: new Date().toISOString(),
      finishedAt: null,
      complete: false,
      stopped: null,
      valid: false,
      machine: describeMachine(md5MiBPerS()),
      settings: { ...settings, bucket: bucket.target.bucket },
      rows: [],
    };
  }

  /** Never throws for what happens to the load: `document.stopped` tells. */
  async run(): Promise<void> {
    const { signal } = this.#events;
    const stop = (): void => {
      this.#stopped(INTERRUPTED);
      // What is being removed is removed: who cannot wait for it interrupts once more.
      if (!this.#removing) this.#crew?.stop();
    };
    try {
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop);
      await this.#bucket.prepare(signal);
      await using crew = new Crew(this.#workerSetups());
      this.#crew = crew;
      await this.#rounds();
    } catch (error) {
      this.#stopped(errorText(error));
    } finally {
      signal.removeEventListener('abort', stop);
      this.#crew = undefined;
    }
    await this.#bucket.remove().catch((error: unknown) => this.#leftBehind(errorText(error)));
    this.#finish();
  }

  /** Keeps the first reason. */
  #stopped(reason: string): void {
    this.document.stopped ??= reason;
  }

  /** Said beside whatever ended the run. */
  #leftBehind(what: string): void {
    const { stopped } = this.document;
    this.document.stopped = stopped === null ? what : `${stopped}; ${what}`;
  }

  #finish(): void {
    const { document } = this;
    document.finishedAt = new Date().toISOString();
    document.complete = this.#cellsToCome === 0 && document.stopped === null;
    document.valid = document.complete && document.rows.every((row) => row.valid);
    this.#events.save(document);
  }

  #workerSetups(): WorkerSetup[] {
    const settings = this.#settings;
    const { target } = this.#bucket;
    const workers = Math.min(settings.processes, Math.max(...settings.concurrencies));
    return Array.from({ length: workers }, (_, workerIndex) => ({
      workerIndex,
      target,
      seed: settings.seed,
      timeoutMs: settings.timeoutMs,
      rangeBytes: settings.rangeBytes,
      multipartBytes: settings.multipartBytes,
      signedPayload: settings.signedPayload,
      checkReads: settings.checkReads,
      checkEtags: settings.checkEtags,
      namePrefix: this.#bucket.namePrefix,
      live: this.#events.progress.enabled,
    }));
  }

  async #rounds(): Promise<void> {
    const { repeat, sizesBytes, concurrencies } = this.#settings;
    // Rounds outside, so that a machine that slows down for a minute touches every cell's median alike.
    for (let round = 1; round <= repeat; round++)
      for (const sizeBytes of sizesBytes)
        for (const concurrency of concurrencies) {
          if (this.document.stopped !== null) return;
          await this.#runCell({ number: this.#cellNumber++, sizeBytes }, concurrency, round);
        }
  }

  async #runCell(cell: Cell, concurrency: number, round: number): Promise<void> {
    this.#present = [];
    try {
      for (const operation of this.#settings.operations) {
        if (operation !== 'put') await this.#fill(cell, concurrency);
        if (this.document.stopped !== null) break;
        await this.#measure(cell, operation, concurrency, round);
        this.#phasesToCome--;
      }
      this.#cellsToCome--;
    } finally {
      await this.#clear(cell, concurrency);
    }
  }

  #weights(concurrency: number): number[] {
    const workers = Math.min(this.#settings.processes, Math.max(...this.#settings.concurrencies));
    return connectionShares(concurrency, workers);
  }

  async #measure(cell: Cell, operation: Operation, concurrency: number, round: number): Promise<void> {
    const settings = this.#settings;
    const weights = this.#weights(concurrency);
    const limits =
      settings.operationsMax === undefined ? undefined : proportionalShares(settings.operationsMax, weights);
    let before = this.#sampleCpu();
    let weightSoFar = 0;
    const orders = weights.map((connections, worker): PhaseOrder | undefined => {
      const rateOffset = weightSoFar / concurrency;
      weightSoFar += connections;
      return connections === 0
        ? undefined
        : {
            cell,
            activity: operation,
            connections,
            warmupMs: settings.warmupMs,
            durationMs: settings.durationMs,
            operationsMax: limits?.[worker] ?? Infinity,
            ratePerS:
              settings.ratePerS === undefined ? undefined : (settings.ratePerS * connections) / concurrency,
            rateOffset,
          };
    });
    const results = await this.#runPhase(orders, operation, () => {
      before = this.#sampleCpu();
    });
    const labels = {
      operation,
      sizeBytes: cell.sizeBytes,
      concurrency,
      repeat: round,
      ratePerS: settings.ratePerS ?? null,
      rangeBytes: operation === 'get' ? (settings.rangeBytes ?? null) : null,
      multipartBytes: operation === 'put' ? (settings.multipartBytes ?? null) : null,
    };
    this.#addRow(makeRow(labels, results, before, this.#sampleCpu(), this.document.stopped === INTERRUPTED));
    const abandoned = results.find((result) => result.abandoned !== undefined)?.abandoned;
    if (abandoned !== undefined) this.#stopped(`${operation}: ${abandoned}`);
  }

  #addRow(row: Row): void {
    this.document.rows.push(row);
    this.#events.save(this.document);
  }

  /** Writes what the operations that need objects are short of. */
  async #fill(cell: Cell, concurrency: number): Promise<void> {
    const weights = this.#weights(concurrency);
    const workers = weights.filter((weight) => weight > 0).length;
    const wanted =
      this.#settings.objects ??
      Math.min(FILL_OBJECTS_DEFAULT, Math.max(1, Math.floor(FILL_BYTES_DEFAULT / cell.sizeBytes)));
    const shares = proportionalShares(Math.max(wanted, workers), weights);
    const orders = weights.map((connections, worker): PhaseOrder | undefined => {
      const missing = Math.max(shares[worker] ?? 0, 1) - (this.#present[worker] ?? 0);
      return connections === 0 || missing <= 0
        ? undefined
        : this.#serviceOrder(cell, 'put', connections, workers, missing);
    });
    if (this.document.stopped !== null || orders.every((order) => order === undefined)) return;
    const results = await this.#runPhase(orders, 'filling', () => undefined);
    const failure = results.flatMap((result) => result.failures)[0];
    if (results.some((result) => result.abandoned !== undefined || result.objectsPresent === 0))
      throw new HoldfastError(
        'request-refused',
        `cannot write the objects to work on: ${failure?.first ?? 'the server took none'}`,
      );
  }

  /** Deletes what the cell has left, also after an interruption. */
  async #clear(cell: Cell, concurrency: number): Promise<void> {
    const weights = this.#weights(concurrency);
    const workers = weights.filter((weight) => weight > 0).length;
    const orders = weights.map((connections) =>
      connections === 0 ? undefined : this.#serviceOrder(cell, 'clear', connections, workers, Infinity),
    );
    this.#removing = true;
    const results = await this.#runPhase(orders, 'removing', () => undefined);
    this.#removing = false;
    const failure = results.flatMap((result) => result.failures)[0];
    if (failure !== undefined) this.#leftBehind(`not all objects could be removed: ${failure.first}`);
  }

  #serviceOrder(
    cell: Cell,
    activity: Activity,
    connections: number,
    workers: number,
    operationsMax: number,
  ): PhaseOrder {
    const more = cell.sizeBytes <= SERVICE_SIZE_BYTES_MAX ? Math.ceil(SERVICE_CONNECTIONS / workers) : 1;
    return {
      cell,
      activity,
      connections: Math.max(connections, more),
      warmupMs: 0,
      durationMs: Infinity,
      operationsMax,
      ratePerS: undefined,
      rateOffset: 0,
    };
  }

  async #runPhase(
    orders: readonly (PhaseOrder | undefined)[],
    activity: string,
    measuring: () => void,
  ): Promise<PhaseResult[]> {
    const { progress } = this.#events;
    const started = performance.now();
    const label = (): ProgressLabel => ({
      activity,
      sizeBytes: orders.find((order) => order !== undefined)?.cell.sizeBytes ?? 0,
      concurrency: orders.reduce((sum, order) => sum + (order?.connections ?? 0), 0),
      leftMs: this.#leftMs(performance.now() - started),
    });
    progress.begin(label());
    const crew = this.#crew;
    if (crew === undefined) throw new TypeError('no workers');
    const results = await crew.run(orders, {
      measuring,
      figures: (all) => progress.update(label(), all),
    });
    const workersInOrder = orders.flatMap((order, worker) => (order === undefined ? [] : [worker]));
    for (const [position, worker] of workersInOrder.entries())
      this.#present[worker] = results[position]?.objectsPresent ?? 0;
    return results;
  }

  #leftMs(elapsedMs: number): number {
    const { warmupMs, durationMs } = this.#settings;
    return Math.max(0, this.#phasesToCome * (warmupMs + durationMs) - elapsedMs);
  }

  #sampleCpu(): CpuSample {
    const { user, system } = process.cpuUsage();
    const { pids, runDirectory } = this.#settings;
    return {
      generatorS: (user + system) / 1e6,
      servers: serverCpuSeconds({ pids, runDirectory }),
      machine: machineCpuSeconds(),
    };
  }
}
