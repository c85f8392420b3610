/**
 * Runs one worker's share of one phase.
 *
 * Closed loop: every connection starts its next operation when its last has ended. Open loop: starts come due at a
 * fixed rate whether or not the server keeps up, take the next free connection, and their latency counts from when
 * they were due, so that a stall of the server shows in every start that it held up ("coordinated omission").
 */
import { LoopLag } from './loop-lag.ts';
import { type LiveFigures, Measurement } from './measurement.ts';
import { monotonicMs } from './monotonic-clock.ts';
import { OperationFailure } from './operation-failure.ts';
import type { GeneratorCost, PhaseOrder, PhaseResult } from './phase.ts';
import type { StoreClient } from './store-client.ts';
import type { Workload } from './workload.ts';

/** Failures without a success between them after which the phase is given up: nothing more would be learnt. */
const FAILURES_IN_ROW_MAX = 100;
/** A timeout has cost so long that it weighs as many failures. */
const TIMEOUT_WEIGHT = 25;
/** A connection waits after its second failure in a row, a little longer each time: a dead server is not hammered. */
const FAILURE_PAUSE_MS = 10;
const FAILURE_PAUSE_MS_MAX = 50;
/** What operations under way are given to end when the run is stopped. */
const STOP_GRACE_MS = 2000;
const OPEN_LOOP_SLEEP_MS_MAX = 100;

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

interface FreeClient {
  readonly client: StoreClient;
  readonly sinceMs: number;
}

interface CostSnapshot {
  readonly cpu: NodeJS.CpuUsage;
  readonly utilization: ReturnType<typeof performance.eventLoopUtilization>;
  readonly generatingMs: number;
  readonly checkingMs: number;
  readonly checkedBytes: number;
  readonly opened: number;
}

export class PhaseRunner {
  readonly #order: PhaseOrder;
  readonly #clients: readonly StoreClient[];
  readonly #workload: Workload;
  readonly #measurement: Measurement;
  readonly #onMeasuring: () => void;
  #measureFromMs = Infinity;
  #deadlineMs = Infinity;
  #started = 0;
  #failuresInRow = 0;
  #stopping = false;
  #abandoned: string | undefined;
  #exhausted = false;
  #costAtStart: CostSnapshot | undefined;
  #clockAtStartMs = 0;
  #stopTimer: NodeJS.Timeout | undefined;

  /** @param onMeasuring called once, when the warm-up is over. */
  constructor(
    order: PhaseOrder,
    clients: readonly StoreClient[],
    workload: Workload,
    live: boolean,
    onMeasuring: () => void,
  ) {
    this.#order = order;
    this.#clients = clients;
    this.#workload = workload;
    this.#measurement = new Measurement(live);
    this.#onMeasuring = onMeasuring;
  }

  figures(): LiveFigures {
    return this.#measurement.figures();
  }

  /** Starts nothing more; what is under way may end within the grace. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#stopTimer = setTimeout(() => {
      for (const client of this.#clients) client.connection.destroy();
    }, STOP_GRACE_MS);
  }

  async run(): Promise<Omit<PhaseResult, 'objectsPresent'>> {
    // A connection that cannot be opened now is opened by its first operation, which then counts the failure.
    await Promise.allSettled(this.#clients.map((client) => client.connection.open()));
    using lag = new LoopLag();
    const { warmupMs } = this.#order;
    if (warmupMs === 0) this.#beginMeasuring();
    const warmup = warmupMs === 0 ? undefined : setTimeout(() => this.#beginMeasuring(), warmupMs);
    if (this.#order.ratePerS === undefined)
      await Promise.all(this.#clients.map((client) => this.#closedLoop(client)));
    else await this.#openLoop(this.#order.ratePerS);
    clearTimeout(warmup);
    clearTimeout(this.#stopTimer);
    if (this.#costAtStart === undefined) this.#beginMeasuring();
    return this.#result(lag);
  }

  #beginMeasuring(): void {
    this.#costAtStart = this.#costNow();
    this.#measureFromMs = performance.now();
    this.#clockAtStartMs = monotonicMs();
    this.#deadlineMs = this.#measureFromMs + this.#order.durationMs;
    this.#onMeasuring();
  }

  /** Whether anything but the time ends the phase. */
  #goesOn(): boolean {
    return (
      !this.#stopping &&
      !this.#exhausted &&
      this.#abandoned === undefined &&
      this.#started < this.#order.operationsMax
    );
  }

  #mayStart(): boolean {
    return this.#goesOn() && performance.now() < this.#deadlineMs;
  }

  async #closedLoop(client: StoreClient): Promise<void> {
    let failures = 0;
    while (this.#mayStart()) {
      const index = this.#next();
      if (index === undefined) return;
      const succeeded = await this.#perform(client, index, undefined);
      failures = succeeded ? 0 : failures + 1;
      if (failures > 1) await pause(Math.min(FAILURE_PAUSE_MS * failures, FAILURE_PAUSE_MS_MAX));
    }
  }

  #next(): number | undefined {
    const index = this.#workload.next();
    if (index === undefined) this.#exhausted = true;
    else if (this.#measureFromMs < Infinity) this.#started++;
    return index;
  }

  /** Resolves to whether the operation succeeded. @param dueMs when it was to start; undefined in a closed loop. */
  async #perform(client: StoreClient, index: number, dueMs: number | undefined): Promise<boolean> {
    client.startedAtMs = performance.now();
    try {
      const bytes = await this.#workload.perform(client, index);
      this.#workload.succeeded(index);
      this.#failuresInRow = 0;
      const fromMs = dueMs ?? client.startedAtMs;
      if (fromMs >= this.#measureFromMs)
        this.#measurement.succeeded(client.finishedAtMs - fromMs, bytes, client.keysListed);
      return true;
    } catch (error) {
      if (!(error instanceof OperationFailure)) throw error;
      if (this.#workload.failed(index, error)) return true;
      // What the stop itself broke off is no failure of the server.
      if (this.#stopping && error.code === 'aborted') return false;
      this.#failuresInRow += error.kind === 'timeout' ? TIMEOUT_WEIGHT : 1;
      if (this.#failuresInRow >= FAILURES_IN_ROW_MAX)
        this.#abandoned ??= `nothing but failures: ${error.message}`;
      if ((dueMs ?? client.startedAtMs) >= this.#measureFromMs) this.#measurement.failed(error);
      return false;
    }
  }

  async #openLoop(ratePerS: number): Promise<void> {
    const intervalMs = 1000 / ratePerS;
    // Without a warm-up the schedule is that of the measured time, however late this thread comes to it.
    const beginMs = this.#measureFromMs < Infinity ? this.#measureFromMs : performance.now();
    const firstMs = beginMs + intervalMs * this.#order.rateOffset;
    const free: FreeClient[] = this.#clients.map((client) => ({ client, sinceMs: firstMs }));
    let starts = 0;
    let underWay = 0;
    const dueMs = (): number => firstMs + starts * intervalMs;
    await new Promise<void>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const dispatch = (): void => {
        clearTimeout(timer);
        while (this.#goesOn() && dueMs() <= performance.now() && dueMs() < this.#deadlineMs) {
          // Behind the deadline only what was free before it may start: a timer that is a little late loses no start.
          const next = free[0];
          if (next === undefined || next.sinceMs > this.#deadlineMs) break;
          const index = this.#next();
          if (index === undefined) break;
          free.shift();
          this.#noteScheduleLag(dueMs(), next.sinceMs);
          underWay++;
          this.#perform(next.client, index, dueMs()).then(() => {
            underWay--;
            free.push({ client: next.client, sinceMs: performance.now() });
            dispatch();
          }, reject);
          starts++;
        }
        if (this.#mayStart()) timer = setTimeout(dispatch, this.#sleepMs(dueMs()));
        else if (underWay === 0) resolve();
      };
      dispatch();
    });
    if (this.#goesOn()) this.#countMissed(dueMs(), intervalMs);
  }

  /** Until the next start or the end, and never so long that the end of the warm-up is overslept. */
  #sleepMs(dueMs: number): number {
    const untilMs = Math.min(dueMs, this.#deadlineMs) - performance.now();
    return Math.min(Math.max(1, untilMs), OPEN_LOOP_SLEEP_MS_MAX);
  }

  /** Late although a connection was free: the generator's own lateness, within the latency but told apart. */
  #noteScheduleLag(dueMs: number, freeSinceMs: number): void {
    if (freeSinceMs <= dueMs && dueMs >= this.#measureFromMs)
      this.#measurement.scheduleLags.recordMs(performance.now() - dueMs);
  }

  #countMissed(firstUnstartedMs: number, intervalMs: number): void {
    for (let dueMs = firstUnstartedMs; dueMs < this.#deadlineMs; dueMs += intervalMs)
      if (dueMs >= this.#measureFromMs) this.#measurement.missedStart(this.#deadlineMs - dueMs);
  }

  #costNow(): CostSnapshot {
    const sum = (of: (client: StoreClient) => number): number =>
      this.#clients.reduce((total, client) => total + of(client), 0);
    return {
      cpu: process.threadCpuUsage(),
      utilization: performance.eventLoopUtilization(),
      generatingMs: sum((client) => client.generatingMs),
      checkingMs: sum((client) => client.checker.spentMs),
      checkedBytes: sum((client) => client.checker.checkedBytes),
      opened: sum((client) => client.connection.opened),
    };
  }

  #cost(lag: LoopLag): GeneratorCost {
    const before = this.#costAtStart ?? this.#costNow();
    const after = this.#costNow();
    const cpuMicros = after.cpu.user - before.cpu.user + after.cpu.system - before.cpu.system;
    return {
      cpuMs: cpuMicros / 1000,
      utilization: performance.eventLoopUtilization(after.utilization, before.utilization).utilization,
      loopLagMsP99: lag.msP99,
      generatingMs: after.generatingMs - before.generatingMs,
      checkingMs: after.checkingMs - before.checkingMs,
      checkedBytes: after.checkedBytes - before.checkedBytes,
      reconnects: after.opened - before.opened,
    };
  }

  #result(lag: LoopLag): Omit<PhaseResult, 'objectsPresent'> {
    const measurement = this.#measurement;
    return {
      operations: measurement.operations,
      bytes: measurement.bytes,
      keys: measurement.keys,
      missed: measurement.missed,
      failures: measurement.failures(),
      abandoned: this.#abandoned,
      latencies: measurement.latencies.encode(),
      scheduleLags: measurement.scheduleLags.encode(),
      measuredFromMs: this.#clockAtStartMs,
      measuredToMs: monotonicMs(),
      generator: this.#cost(lag),
    };
  }
}
