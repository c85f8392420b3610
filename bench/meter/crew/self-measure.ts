/** What the meter itself cost while it measured: processor time, and how late its event loop came to what was due. */
import { getPriority } from 'node:os';
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { LoopLag } from '../../load/loop-lag.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContentRange } from '../targets/content-range.ts';

const SLICE_MS = 1000;
/** Shorter ones, at the end, are too short to be judged by. */
const SLICE_MS_MIN = 400;

export interface SelfCost {
  /** Of the whole process, with the threads that read and write files. */
  readonly cpuS: number;
  readonly elapsedS: number;
  /** Of the thread that asks, compares and counts: share of one processor. */
  readonly threadCpuShare: number;
  /** Share of the time in which its event loop had work. */
  readonly utilization: number;
  /** Both in the busiest second of what is counted: an average hides it behind the start and the warm-up. */
  readonly threadCpuShareMax: number;
  readonly utilizationMax: number;
  readonly loopLagMsP99: number;
  readonly generatedBytes: number;
  readonly verifiedBytes: number;
  /** Of the process: 0 is the usual, less comes before others. */
  readonly niceness: number;
}

interface Slice {
  readonly startedMs: number;
  readonly thread: NodeJS.CpuUsage;
  readonly loop: EventLoopUtilization;
}

function newSlice(): Slice {
  return {
    startedMs: performance.now(),
    thread: process.threadCpuUsage(),
    loop: performance.eventLoopUtilization(),
  };
}

export class SelfMeasure {
  readonly #content: ContentRange;
  readonly #lag = new LoopLag();
  readonly #cpu = process.cpuUsage();
  readonly #thread = process.threadCpuUsage();
  readonly #loop: EventLoopUtilization = performance.eventLoopUtilization();
  readonly #startedMs = performance.now();
  readonly #generatedBytes: number;
  readonly #verifiedBytes: number;

  readonly #ended = new AbortController();
  #slice: Slice | undefined;
  #threadCpuShareMax = 0;
  #utilizationMax = 0;

  /** @param countedInMs from now on, until that begins which is counted. */
  constructor(content: ContentRange, countedInMs = 0) {
    this.#content = content;
    void this.#watch(Math.max(0, countedInMs));
    this.#generatedBytes = content.generatedBytes;
    this.#verifiedBytes = content.verifiedBytes;
  }

  finish(): SelfCost {
    this.#lag[Symbol.dispose]();
    this.#ended.abort();
    this.#cut(SLICE_MS_MIN);
    const cpu = process.cpuUsage(this.#cpu);
    const thread = process.threadCpuUsage(this.#thread);
    const elapsedS = (performance.now() - this.#startedMs) / 1000;
    const rounded = (value: number): number => Number(value.toFixed(3));
    return {
      cpuS: rounded((cpu.user + cpu.system) / 1e6),
      elapsedS: rounded(elapsedS),
      threadCpuShare: rounded((thread.user + thread.system) / 1e6 / elapsedS),
      utilization: rounded(performance.eventLoopUtilization(this.#loop).utilization),
      threadCpuShareMax: rounded(this.#threadCpuShareMax),
      utilizationMax: rounded(this.#utilizationMax),
      loopLagMsP99: rounded(this.#lag.msP99),
      generatedBytes: this.#content.generatedBytes - this.#generatedBytes,
      verifiedBytes: this.#content.verifiedBytes - this.#verifiedBytes,
      niceness: getPriority(),
    };
  }

  async #watch(countedInMs: number): Promise<void> {
    const options = { signal: this.#ended.signal, ref: false };
    try {
      await sleep(countedInMs, undefined, options);
      for (this.#slice = newSlice(); ; this.#cut(0)) await sleep(SLICE_MS, undefined, options);
    } catch {
      // It has been ended.
    }
  }

  /** Ends a slice that has lasted so long, and begins the next. */
  #cut(lastedMs: number): void {
    const slice = this.#slice;
    if (slice === undefined) return;
    const elapsedMs = performance.now() - slice.startedMs;
    if (elapsedMs < lastedMs) return;
    const { user, system } = process.threadCpuUsage(slice.thread);
    const { utilization } = performance.eventLoopUtilization(slice.loop);
    this.#threadCpuShareMax = Math.max(this.#threadCpuShareMax, (user + system) / 1000 / elapsedMs);
    this.#utilizationMax = Math.max(this.#utilizationMax, utilization);
    this.#slice = newSlice();
  }
}
