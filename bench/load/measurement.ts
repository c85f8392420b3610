/** What one worker counts in one phase. */
import { LatencyHistogram } from './latency-histogram.ts';
import type { OperationFailure } from './operation-failure.ts';
import type { CountedFailure } from './phase.ts';

/** Kinds beyond this many are counted as `other`. */
const FAILURE_KINDS_MAX = 50;

export interface LiveFigures {
  readonly operations: number;
  readonly bytes: number;
  readonly failures: number;
  /** Of the operations since the figures before; 0 when there were none. */
  readonly latencyMsP99: number;
}

export class Measurement {
  readonly latencies = new LatencyHistogram();
  readonly scheduleLags = new LatencyHistogram();
  operations = 0;
  bytes = 0;
  keys = 0;
  missed = 0;
  readonly #live: LatencyHistogram | undefined;
  readonly #failures = new Map<string, { count: number; first: string }>();
  #failureCount = 0;

  /** @param live whether `figures` will be asked for while the phase runs. */
  constructor(live: boolean) {
    if (live) this.#live = new LatencyHistogram();
  }

  succeeded(latencyMs: number, bytes: number, keys: number): void {
    this.operations++;
    this.bytes += bytes;
    this.keys += keys;
    this.latencies.recordMs(latencyMs);
    this.#live?.recordMs(latencyMs);
  }

  failed(failure: OperationFailure): void {
    this.#failureCount++;
    const known = this.#failures.get(failure.kind);
    if (known !== undefined) known.count++;
    else if (this.#failures.size < FAILURE_KINDS_MAX)
      this.#failures.set(failure.kind, { count: 1, first: failure.message });
    else {
      const other = this.#failures.get('other');
      this.#failures.set('other', { count: (other?.count ?? 0) + 1, first: other?.first ?? failure.message });
    }
  }

  /**
   * Counts a start that never came because no connection was free: its latency is at least what it had waited, and
   * leaving it out would hide the very moments in which the server did not answer.
   */
  missedStart(waitedMs: number): void {
    this.missed++;
    this.latencies.recordMs(waitedMs);
  }

  figures(): LiveFigures {
    const latencyMsP99 = this.#live?.percentileMs(99) ?? 0;
    this.#live?.reset();
    return { operations: this.operations, bytes: this.bytes, failures: this.#failureCount, latencyMsP99 };
  }

  failures(): CountedFailure[] {
    return [...this.#failures].map(([kind, { count, first }]) => ({ kind, count, first }));
  }
}
