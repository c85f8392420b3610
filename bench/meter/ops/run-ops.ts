/** Runs one process's share of a load of operations, from an order to what was counted. */
import { errorText } from '#common/errors.ts';
import { LatencyHistogram } from '../../load/latency-histogram.ts';
import { OperationFailure } from '../../load/operation-failure.ts';
import { RandomSequence } from '../../load/random-sequence.ts';
import type { MediaObject, MediaTarget } from '../targets/target.ts';
import { heatBucket } from '../streams/tally.ts';
import { clearPool } from './clear-pool.ts';
import { ObjectPool } from './object-pool.ts';
import type {
  OperationName,
  OperationTally,
  OpsOrder,
  OpsResult,
  OpsSecond,
  TraceEntry,
} from './ops-order.ts';
import { operationNames } from './ops-order.ts';
import { chosenBy, drawSize } from './sizes.ts';

const FILL_CONCURRENCY = 8;
const LIST_NAMES_MAX = 1000;
const FAILURES_IN_A_ROW_MAX = 100;
const WATCH_PERIOD_MS = 1000;
/** From an interruption on, for what is under way. */
const BREAK_OFF_MS_MAX = 5000;
const TRACE_MAX = 500_000;

interface Counter {
  operations: number;
  bytes: number;
  readonly inTime: { operations: number; bytes: number };
  readonly latencies: LatencyHistogram;
  readonly errors: Map<string, { count: number; first: string }>;
}

interface Task {
  readonly operation: OperationName;
  readonly object: MediaObject | undefined;
  readonly name: string;
}

export class OpsRunner {
  readonly #order: OpsOrder;
  readonly #target: MediaTarget;
  readonly #signal: AbortSignal;
  readonly #pool: ObjectPool;
  readonly #random: RandomSequence;
  readonly #counters = new Map<OperationName, Counter>();
  readonly #seconds: OpsSecond[] = [];
  readonly #done: TraceEntry[] = [];
  readonly #sleepers = new Set<() => void>();
  #startMs = 0;
  #missed = 0;
  #failuresInARow = 0;
  #ended = false;
  #endedMs = Number.POSITIVE_INFINITY;
  #steady = false;
  #stopped: string | null = null;

  /** @param before what an earlier run may have left behind its removal: removed again with this one's. */
  constructor(
    order: OpsOrder,
    target: MediaTarget,
    signal: AbortSignal,
    before: readonly MediaObject[] = [],
  ) {
    this.#order = order;
    this.#target = target;
    this.#signal = signal;
    this.#pool = new ObjectPool(order.worker);
    for (const object of before) this.#pool.writing(object);
    this.#random = new RandomSequence(order.seed + order.worker);
    for (const operation of operationNames)
      this.#counters.set(operation, {
        operations: 0,
        bytes: 0,
        inTime: { operations: 0, bytes: 0 },
        latencies: new LatencyHistogram(),
        errors: new Map(),
      });
  }

  /** Writes what reads and deletions need. Throws at the first that cannot be written. */
  async fill(): Promise<void> {
    const objects = this.#order.trace === undefined ? this.#drawn() : this.#missingOfTrace(this.#order.trace);
    let next = 0;
    const one = async (): Promise<void> => {
      for (let at = next++; at < objects.length && !this.#signal.aborted; at = next++) {
        const object = objects[at] as MediaObject;
        await this.#put(object);
        if (this.#order.trace === undefined) this.#pool.confirm(object);
      }
    };
    await Promise.all(Array.from({ length: FILL_CONCURRENCY }, one));
  }

  async run(): Promise<Omit<OpsResult, 'self'>> {
    this.#startMs = performance.now();
    const watch = setInterval(() => this.#watch(), WATCH_PERIOD_MS);
    const given = Promise.withResolvers<void>();
    let limit: NodeJS.Timeout | undefined;
    const end = (): void => {
      this.#end('interrupted');
      this.#target.breakOff?.();
      // What does not come even then is not waited for.
      limit = setTimeout(given.resolve, BREAK_OFF_MS_MAX);
    };
    this.#signal.addEventListener('abort', end);
    try {
      if (this.#signal.aborted) end();
      else await Promise.race([this.#load(), given.promise]);
    } finally {
      clearInterval(watch);
      clearTimeout(limit);
      this.#signal.removeEventListener('abort', end);
    }
    // A trace has its own time: it is over when all of it has been done.
    const over = this.#order.trace === undefined ? this.#loadEndsMs : this.#now();
    const elapsedMs = Math.max(0, Math.min(over, this.#now()) - this.#order.warmupMs);
    return {
      tallies: this.#tallies(),
      seconds: this.#seconds,
      elapsedMs,
      missed: this.#missed,
      steady: this.#steady,
      stopped: this.#stopped,
      done: this.#done,
    };
  }

  /** What may be there again behind its removal. */
  get unanswered(): readonly MediaObject[] {
    return this.#pool.unanswered;
  }

  /** Removes what the run has left, each time that it is called. Throws the first failure, when all have been tried. */
  async clear(): Promise<void> {
    await clearPool(this.#pool, this.#target);
  }

  #drawn(): MediaObject[] {
    return Array.from({ length: this.#order.objects }, () =>
      this.#pool.create(drawSize(this.#order.sizes, this.#random)),
    );
  }

  /** What the trace reads before it writes it. */
  #missingOfTrace(trace: readonly TraceEntry[]): MediaObject[] {
    const seen = new Set<string>();
    return trace.flatMap((entry) => {
      if (entry.operation === 'list' || seen.has(entry.name)) return [];
      seen.add(entry.name);
      return entry.operation === 'put' ? [] : [this.#pool.named({ ...entry, operation: 'put' })];
    });
  }

  #now(): number {
    return performance.now() - this.#startMs;
  }

  get #endsAtMs(): number {
    return this.#order.warmupMs + this.#order.durationMs;
  }

  /** When it is to end, or has. */
  get #loadEndsMs(): number {
    return Math.min(this.#endsAtMs, this.#endedMs);
  }

  #end(reason: string | null): void {
    if (!this.#ended) this.#endedMs = this.#now();
    this.#ended = true;
    this.#stopped ??= reason;
    for (const wake of this.#sleepers) wake();
  }

  #watch(): void {
    if (this.#failuresInARow >= FAILURES_IN_A_ROW_MAX)
      this.#end(`${this.#failuresInARow} operations in a row have failed: ${this.#firstFailure()}`);
  }

  /** Operations done in each second that has passed. */
  rates(): number[] {
    const passed = Math.max(0, Math.floor(this.#now() / 1000));
    return Array.from({ length: passed }, (_, at) => this.#seconds[at]?.operations ?? 0);
  }

  /** Ends it for its steady rate. */
  endSteady(): void {
    if (this.#ended) return;
    this.#steady = true;
    this.#end(null);
  }

  #firstFailure(): string {
    for (const { errors } of this.#counters.values()) for (const { first } of errors.values()) return first;
    return '';
  }

  async #load(): Promise<void> {
    if (this.#order.trace !== undefined) await this.#replay(this.#order.trace);
    else if (this.#order.ratePerS === undefined) await this.#closedLoop();
    else await this.#openLoop(this.#order.ratePerS);
  }

  async #closedLoop(): Promise<void> {
    const { concurrency, rampMs } = this.#order;
    const one = async (_: unknown, index: number): Promise<void> => {
      await this.#sleepUntil((index * rampMs) / concurrency);
      while (!this.#ended && this.#now() < this.#endsAtMs) await this.#perform(this.#draw(), this.#now());
    };
    await Promise.all(Array.from({ length: concurrency }).map(one));
  }

  async #openLoop(ratePerS: number): Promise<void> {
    const { rampMs, concurrency } = this.#order;
    const intervalMs = 1000 / ratePerS;
    const underWay = new Set<Promise<void>>();
    // While the rate rises evenly from nothing, the n-th start is due where the area below it is n.
    const dueOf = (start: number): number => {
      const inRamp = (ratePerS * rampMs) / 2000;
      return start < inRamp
        ? Math.sqrt((start * 2000 * rampMs) / ratePerS)
        : rampMs + (start - inRamp) * intervalMs;
    };
    for (let start = 0; !this.#ended; start++) {
      const dueMs = dueOf(start);
      if (dueMs >= this.#endsAtMs) break;
      await this.#sleepUntil(dueMs);
      while (underWay.size >= concurrency && !this.#ended) await Promise.race(underWay);
      if (this.#now() >= this.#endsAtMs) {
        this.#miss(dueMs);
        continue;
      }
      const work = this.#perform(this.#draw(), dueMs).finally(() => underWay.delete(work));
      underWay.add(work);
    }
    await Promise.all(underWay);
  }

  /** A start that found no room until the end has waited until then at least: left out, a stall would not show. */
  #miss(dueMs: number): void {
    if (dueMs < this.#order.warmupMs) return;
    this.#missed++;
    const { operation } = chosenBy(this.#order.mix, this.#random.fraction());
    (this.#counters.get(operation) as Counter).latencies.recordMs(this.#endsAtMs - dueMs);
  }

  async #replay(trace: readonly TraceEntry[]): Promise<void> {
    const underWay = new Set<Promise<void>>();
    const lastOf = new Map<string, Promise<void>>();
    for (const entry of trace) {
      if (this.#ended || entry.atMs >= this.#endsAtMs) break;
      await this.#sleepUntil(entry.atMs);
      while (underWay.size >= this.#order.concurrency && !this.#ended) await Promise.race(underWay);
      const object = entry.operation === 'list' ? undefined : this.#pool.named(entry);
      const task = { operation: entry.operation, object, name: entry.name };
      // What was done to one object in turn is done in turn again, however long each takes here.
      const before = lastOf.get(entry.name) ?? Promise.resolve();
      const work = before.then(() => this.#perform(task, entry.atMs)).finally(() => underWay.delete(work));
      underWay.add(work);
      if (object !== undefined) lastOf.set(entry.name, work);
    }
    await Promise.all(underWay);
  }

  #sleepUntil(atMs: number): Promise<void> {
    const leftMs = atMs - this.#now();
    if (leftMs <= 0 || this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, leftMs);
      this.#sleepers.add(wake);
    });
  }

  #draw(): Task {
    const { operation } = chosenBy(this.#order.mix, this.#random.fraction());
    if (operation === 'put') {
      const object = this.#pool.create(drawSize(this.#order.sizes, this.#random));
      return { operation, object, name: object.name };
    }
    if (operation === 'list') return { operation, object: undefined, name: '' };
    const object = operation === 'delete' ? this.#pool.take(this.#random) : this.#pool.pick(this.#random);
    // Where all has been deleted there is nothing to read: something is written first.
    if (object === undefined) {
      const fresh = this.#pool.create(drawSize(this.#order.sizes, this.#random));
      return { operation: 'put', object: fresh, name: fresh.name };
    }
    return { operation, object, name: object.name };
  }

  async #perform(task: Task, dueMs: number): Promise<void> {
    const { operation, object } = task;
    const counter = this.#counters.get(operation) as Counter;
    const sinceMs =
      this.#order.ratePerS === undefined && this.#order.trace === undefined ? this.#now() : dueMs;
    let failure: OperationFailure | undefined;
    if (object !== undefined) this.#pool.use(object, 1);
    try {
      await this.#act(operation, object);
    } catch (error) {
      failure =
        error instanceof OperationFailure
          ? error
          : new OperationFailure('aborted', 'meter', errorText(error));
    }
    if (object !== undefined) this.#pool.use(object, -1);
    // What breaks because the run was stopped says nothing of the storage.
    if (failure !== undefined && this.#signal.aborted) return;
    const nowMs = this.#now();
    const second = this.#second(nowMs);
    if (failure !== undefined) this.#failed(counter, second, failure);
    else {
      this.#failuresInARow = 0;
      if (operation === 'put' && object !== undefined && this.#order.trace === undefined)
        this.#pool.confirm(object);
      if (dueMs < this.#order.warmupMs) return;
      const bytes = operation === 'get' || operation === 'put' ? (object?.sizeBytes ?? 0) : 0;
      counter.operations++;
      counter.bytes += bytes;
      if (nowMs <= this.#loadEndsMs || this.#order.trace !== undefined) {
        counter.inTime.operations++;
        counter.inTime.bytes += bytes;
      }
      counter.latencies.recordMs(nowMs - sinceMs);
      second.operations++;
      second.bytes += bytes;
      const bucket = heatBucket(nowMs - sinceMs);
      second.heat[bucket] = (second.heat[bucket] ?? 0) + 1;
      if (this.#done.length < TRACE_MAX)
        this.#done.push({ atMs: sinceMs, operation, name: task.name, sizeBytes: object?.sizeBytes ?? 0 });
    }
  }

  async #act(operation: OperationName, object: MediaObject | undefined): Promise<void> {
    if (operation === 'list') await this.#target.list('ops/', LIST_NAMES_MAX);
    else if (object === undefined) return;
    else if (operation === 'put') {
      await this.#put(object);
    } else if (operation === 'get') await this.#target.read(object, 0, object.sizeBytes);
    else if (operation === 'delete') {
      await this.#target.remove(object);
      this.#pool.removed(object);
    } else {
      const found = await this.#target.stat(object);
      if (found !== object.sizeBytes)
        throw new OperationFailure(
          'data-corrupt',
          'length-mismatch',
          `${object.name} has ${found} bytes, not ${object.sizeBytes}`,
        );
    }
  }

  async #put(object: MediaObject): Promise<void> {
    this.#pool.writing(object);
    await this.#target.put(object);
    this.#pool.answered(object);
  }

  #failed(counter: Counter, second: OpsSecond, failure: OperationFailure): void {
    this.#failuresInARow++;
    second.errors++;
    const known = counter.errors.get(failure.kind);
    if (known === undefined) counter.errors.set(failure.kind, { count: 1, first: failure.message });
    else known.count++;
  }

  #second(nowMs: number): OpsSecond {
    const at = Math.max(0, Math.floor(nowMs / 1000));
    while (this.#seconds.length <= at) this.#seconds.push({ operations: 0, bytes: 0, errors: 0, heat: {} });
    return this.#seconds[at] as OpsSecond;
  }

  #tallies(): OperationTally[] {
    return [...this.#counters].flatMap(([operation, { operations, bytes, inTime, latencies, errors }]) =>
      operations === 0 && errors.size === 0 && latencies.count === 0
        ? []
        : [
            {
              operation,
              operations,
              bytes,
              inTime,
              latencies: latencies.encode(),
              errorsByKind: Object.fromEntries(errors),
            },
          ],
    );
  }
}
