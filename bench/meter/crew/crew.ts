/** All workers of a run, on this machine or on others: what is to be done is dealt out, what they saw is gathered. */
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, hasCode, HoldfastError } from '#common/errors.ts';
import { countedFramesOf, ENDED_BY_LATE_FRAME } from '../streams/run-streams.ts';
import type { ClipOrder, StreamOrder, StreamsOrder } from '../streams/streams-order.ts';
import type { LiveStreamFigures, StreamTally } from '../streams/tally.ts';
import type { TargetSpec, TargetTraits } from '../targets/target.ts';
import { startInlineWorker } from './inline-worker.ts';
import { startLocalWorker, type WorkerHandle } from './local-worker.ts';
import type { OpsOrder, OpsResult } from '../ops/ops-order.ts';
import { isSteady, ratesOfAll } from '../ops/steady.ts';
import { mergeFigures, mergeTallies } from './merge.ts';
import type { ClipsOrder, WorkerEvents } from './meter-worker.ts';
import type { SelfCost } from './self-measure.ts';

/** Between the order and the run's start: long enough for it to have reached everyone. */
const START_AFTER_MS = 300;
const STEADY_PERIOD_MS = 1000;
/** Behind each attempt to remove a place that is not empty, but for the last. */
const REMOVE_PAUSES_MS = [100, 200, 400, 800, 1000] as const;

/** What one worker is to write. */
export interface ClipShare {
  readonly worker: WorkerHandle;
  readonly items: readonly ClipOrder[];
}

export interface CrewEvents {
  figures(figures: LiveStreamFigures): void;
  written(bytes: number): void;
}

export interface CrewResult {
  readonly tally: StreamTally;
  /** Frames that were to be counted, of all streams: those of a run that was cut short are fewer. */
  readonly framesPlanned: number;
  readonly stopped: string | null;
  /** By the worker's name. */
  readonly self: Readonly<Record<string, SelfCost>>;
  /** Workers whose result never came, with why. */
  readonly lost: Readonly<Record<string, string>>;
  readonly startedAt: string;
  /** From the run's start to its end. */
  readonly elapsedMs: number;
}

export interface OpsCrewResult {
  /** By the worker's name. */
  readonly results: Readonly<Record<string, OpsResult>>;
  /** Workers whose result never came, with why. */
  readonly lost: Readonly<Record<string, string>>;
}

/** Ends operations when the rate of all workers together has settled, where that was asked for. */
function watchSteady(order: OpsOrder, workers: readonly WorkerHandle[]): Disposable | undefined {
  const { steadyShare, warmupMs } = order;
  if (steadyShare === undefined) return undefined;
  const look = async (): Promise<void> => {
    const rates = await Promise.all(workers.map(({ caller }) => caller.call('opsRates')));
    if (!isSteady(ratesOfAll(rates, Math.ceil(warmupMs / 1000)), steadyShare)) return;
    await Promise.all(workers.map(({ caller }) => caller.call('endOps')));
  };
  // Without one that is lost there is no rate of all: it goes on to its end.
  const timer = setInterval(() => void look().catch(() => undefined), STEADY_PERIOD_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

export class MeterCrew implements Disposable {
  readonly #workers: WorkerHandle[] = [];
  readonly #events: CrewEvents;
  readonly #figures = new Map<string, LiveStreamFigures>();
  readonly #written = new Map<string, number>();
  /** Numbers of the clips that are in each place. */
  #held = new Map<string, Set<number>>();
  #hasOwnPlaces = false;

  constructor(events: CrewEvents) {
    this.#events = events;
  }

  /** @param processes of this machine; 0 for none but our own. */
  static local(processes: number, events: CrewEvents): MeterCrew {
    const crew = new MeterCrew(events);
    if (processes === 0) crew.add((workerEvents) => startInlineWorker('here', workerEvents), 'here');
    for (let index = 1; index <= processes; index++)
      crew.add((workerEvents) => startLocalWorker(`process-${index}`, workerEvents), `process-${index}`);
    return crew;
  }

  /** Workers that are not lost. */
  get size(): number {
    return this.#workers.length - this.lost.length;
  }

  /** Names of the workers that are lost. */
  get lost(): string[] {
    return this.#workers.filter(({ caller }) => caller.isLost).map(({ name }) => name);
  }

  add(start: (events: WorkerEvents) => WorkerHandle, name: string): void {
    this.join(start(this.eventsFor(name)));
  }

  /** Takes a worker in that was started with `eventsFor` its name. */
  join(worker: WorkerHandle): void {
    this.#workers.push(worker);
  }

  eventsFor(name: string): WorkerEvents {
    return {
      figures: (figures) => {
        this.#figures.set(name, figures);
        this.#events.figures(mergeFigures([...this.#figures.values()]));
      },
      written: (bytes) => {
        this.#written.set(name, bytes);
        this.#events.written([...this.#written.values()].reduce((sum, one) => sum + one, 0));
      },
    };
  }

  /** Throws what stands in the way, in one line. */
  async open(spec: TargetSpec): Promise<TargetTraits> {
    // The first makes the place; the others find it.
    if (spec.scheme === 'iscsi' && this.#alive().length > 1)
      throw new HoldfastError('invalid-argument', 'a logical unit is measured by one process: --processes 1');
    const [first, ...others] = this.#alive() as [WorkerHandle, ...WorkerHandle[]];
    this.#held = new Map();
    this.#hasOwnPlaces = spec.scheme === 'file' && others.length > 0 && first.elsewhere;
    const traits = await first.caller.call('open', spec);
    await Promise.all(others.map(({ caller }) => caller.call('open', spec)));
    return traits;
  }

  /**
   * Who is to write what so that all these streams find their clips: where each has a folder of its own, each what its
   * streams play, and otherwise everyone a part.
   */
  missingClips(clips: readonly ClipOrder[], streams: readonly StreamOrder[]): ClipShare[] {
    const lacking = (place: string, wanted: readonly ClipOrder[]): ClipOrder[] =>
      wanted.filter(({ number }) => this.#held.get(place)?.has(number) !== true);
    if (!this.#hasOwnPlaces) return this.#dealt(lacking('', clips));
    const shares = this.#dealtStreams(streams).map(({ worker, items }) => {
      const played = new Set(items.flatMap((stream) => stream.clips.map(({ number }) => number)));
      const wanted = clips.filter(({ number }) => played.has(number));
      return { worker, items: lacking(worker.name, wanted) };
    });
    return shares.filter(({ items }) => items.length > 0);
  }

  /** Resolves to bytes written. */
  async writeClips(order: Omit<ClipsOrder, 'clips'>, shares: readonly ClipShare[]): Promise<number> {
    this.#written.clear();
    const bytes = await Promise.all(
      shares.map(({ worker, items }) => {
        const place = this.#hasOwnPlaces ? worker.name : '';
        this.#held.set(place, new Set([...(this.#held.get(place) ?? []), ...items.map((one) => one.number)]));
        return worker.caller.call('writeClips', { ...order, clips: items });
      }),
    );
    return bytes.reduce((sum, one) => sum + one, 0);
  }

  /** Where each has a folder of its own all of them are asked: what is not there is not minded. */
  async removeClips(order: ClipsOrder): Promise<void> {
    const shares = this.#hasOwnPlaces
      ? this.#alive().map((worker) => ({ worker, items: order.clips }))
      : this.#dealt(order.clips);
    await Promise.all(
      shares.map(({ worker, items }) => worker.caller.call('removeClips', { ...order, clips: items })),
    );
  }

  /**
   * What was broken off a server may do behind its removal: a place that is not empty for that is removed a few times.
   *
   * @param removeAgain removes whatever the run may have written, there or not.
   */
  async removePlace(removeAgain: () => Promise<void>): Promise<void> {
    const [first, ...others] = this.#alive() as [WorkerHandle, ...WorkerHandle[]];
    for (const pauseMs of [...REMOVE_PAUSES_MS, undefined])
      try {
        await first.caller.call('removePlace');
        break;
      } catch (error) {
        if (pauseMs === undefined || !hasCode(error, 'condition-failed')) throw error;
        await sleep(pauseMs);
        await removeAgain();
      }
    if (!this.#hasOwnPlaces) return;
    // What has gone already was the same folder, of a filesystem that they share.
    for (const { caller } of others)
      await caller.call('removePlace').catch((error: unknown) => {
        if (!hasCode(error, 'blob-missing')) throw error;
      });
  }

  async sizeOfFile(): Promise<number | undefined> {
    const object = { name: '', key: { family: 0, index: 0 }, sizeBytes: 0 };
    return await this.#alive()[0]?.caller.call('sizeOf', object);
  }

  /** A worker that is lost on the way is told of, and the others' results stand. */
  async runStreams(order: StreamsOrder): Promise<CrewResult> {
    this.#figures.clear();
    // Clocks drift apart: over the hours of a script by more than they were once known to.
    await Promise.all(
      this.#alive().map(async ({ alignClock }) => {
        await alignClock?.().catch(() => undefined);
      }),
    );
    const originMs = performance.timeOrigin + performance.now() + START_AFTER_MS;
    const lost: Record<string, string> = {};
    const parts = await Promise.all(
      this.#dealtStreams(order.streams).map(async ({ worker, items }) => {
        const part = { ...order, streams: items };
        try {
          const result = await worker.caller.call('runStreams', part, originMs + worker.clockAheadMs);
          // What one has seen is true of all.
          if (result.stopped === ENDED_BY_LATE_FRAME) this.stop();
          return { name: worker.name, result };
        } catch (error) {
          lost[worker.name] = errorText(error);
          return undefined;
        }
      }),
    );
    const there = parts.filter((part) => part !== undefined);
    const reasons = there.flatMap(({ result }) => result.stopped ?? []);
    return {
      tally: mergeTallies(there.map(({ result }) => result.tally)),
      framesPlanned: order.streams.length * countedFramesOf(order),
      stopped: reasons.find((reason) => reason === ENDED_BY_LATE_FRAME) ?? reasons[0] ?? null,
      self: Object.fromEntries(there.map(({ name, result }) => [name, result.self])),
      lost,
      startedAt: new Date(originMs).toISOString(),
      elapsedMs: performance.timeOrigin + performance.now() - originMs,
    };
  }

  /**
   * A worker that is lost on the way is told of, and the others' results stand. Throws what another fails with, when all
   * have ended.
   *
   * @param orderOf what each worker, by its number, is to do; undefined for nothing.
   */
  async runOps(orderOf: (worker: number, workers: number) => OpsOrder | undefined): Promise<OpsCrewResult> {
    const alive = this.#alive();
    const orders = new Map<WorkerHandle, OpsOrder>();
    for (const [at, worker] of alive.entries()) {
      const order = orderOf(at, alive.length);
      if (order !== undefined) orders.set(worker, order);
    }
    const lost: Record<string, string> = {};
    await this.#byEach([...orders.keys()], lost, (worker) =>
      worker.caller.call('fillOps', orders.get(worker) as OpsOrder),
    );
    const there = [...orders.keys()].filter(({ name }) => lost[name] === undefined);
    const [order] = orders.values();
    using _watch = order === undefined ? undefined : watchSteady(order, there);
    return { results: await this.#byEach(there, lost, ({ caller }) => caller.call('runOps')), lost };
  }

  /** Resolves to the results by the workers' names. */
  async #byEach<Value>(
    workers: readonly WorkerHandle[],
    lost: Record<string, string>,
    work: (worker: WorkerHandle) => Promise<Value>,
  ): Promise<Record<string, Value>> {
    const settled = await Promise.allSettled(workers.map((worker) => work(worker)));
    const results: Record<string, Value> = {};
    for (const [at, { name, caller }] of workers.entries()) {
      const one = settled[at];
      if (one?.status === 'fulfilled') results[name] = one.value;
      else if (caller.isLost) lost[name] = errorText(one?.reason);
      else throw one?.reason;
    }
    return results;
  }

  /** Throws what cannot be removed, when all have tried. */
  async clearOps(): Promise<void> {
    await this.#byEach(this.#alive(), {}, ({ caller }) => caller.call('clearOps'));
  }

  /** Ends what is under way; what was counted comes. */
  stop(): void {
    for (const { caller } of this.#workers) caller.call('stop').catch(() => undefined);
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.close();
  }

  /** Those that are not lost. Throws when all are. */
  #alive(): WorkerHandle[] {
    const alive = this.#workers.filter(({ caller }) => !caller.isLost);
    if (alive.length === 0) throw new HoldfastError('peer-unavailable', 'no worker is left');
    return alive;
  }

  #dealt<Item>(items: readonly Item[]): { worker: WorkerHandle; items: Item[] }[] {
    const shares = this.#alive().map((worker) => ({ worker, items: [] as Item[] }));
    items.forEach((item, at) => shares[at % shares.length]?.items.push(item));
    return shares.filter((share) => share.items.length > 0);
  }

  /** A stream that plays what another records goes where that one is. */
  #dealtStreams(streams: readonly StreamOrder[]): { worker: WorkerHandle; items: StreamOrder[] }[] {
    const leaders = streams.filter(({ recordedBy }) => recordedBy === undefined);
    return this.#dealt(leaders).map(({ worker, items }) => {
      const numbers = new Set(items.map(({ stream }) => stream));
      const followers = streams.filter(
        ({ recordedBy }) => recordedBy !== undefined && numbers.has(recordedBy),
      );
      return { worker, items: [...items, ...followers] };
    });
  }
}
