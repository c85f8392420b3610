/** What the meter itself cost while it measured: processor time, and how late its event loop came to what was due. */
import { getPriority } from 'node:os';
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { LoopLag } from '../../load/loop-lag.ts';
import type { ContentRange } from '../targets/content-range.ts';

export interface SelfCost {
  /** Of the whole process, with the threads that read and write files. */
  readonly cpuS: number;
  readonly elapsedS: number;
  /** Of the thread that asks, compares and counts: share of one processor. */
  readonly threadCpuShare: number;
  /** Share of the time in which its event loop had work. */
  readonly utilization: number;
  readonly loopLagMsP99: number;
  readonly generatedBytes: number;
  readonly verifiedBytes: number;
  /** Of the process: 0 is the usual, less comes before others. */
  readonly niceness: number;
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

  constructor(content: ContentRange) {
    this.#content = content;
    this.#generatedBytes = content.generatedBytes;
    this.#verifiedBytes = content.verifiedBytes;
  }

  finish(): SelfCost {
    this.#lag[Symbol.dispose]();
    const cpu = process.cpuUsage(this.#cpu);
    const thread = process.threadCpuUsage(this.#thread);
    const elapsedS = (performance.now() - this.#startedMs) / 1000;
    const rounded = (value: number): number => Number(value.toFixed(3));
    return {
      cpuS: rounded((cpu.user + cpu.system) / 1e6),
      elapsedS: rounded(elapsedS),
      threadCpuShare: rounded((thread.user + thread.system) / 1e6 / elapsedS),
      utilization: rounded(performance.eventLoopUtilization(this.#loop).utilization),
      loopLagMsP99: rounded(this.#lag.msP99),
      generatedBytes: this.#content.generatedBytes - this.#generatedBytes,
      verifiedBytes: this.#content.verifiedBytes - this.#verifiedBytes,
      niceness: getPriority(),
    };
  }
}
