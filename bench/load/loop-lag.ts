/** How late this thread's event loop comes to what is due: a timer every 10 ms, and the time it fires too late. */
import { LatencyHistogram } from './latency-histogram.ts';

const PERIOD_MS = 10;

export class LoopLag implements Disposable {
  readonly #lags = new LatencyHistogram();
  readonly #timer: NodeJS.Timeout;
  #dueMs: number;

  constructor(nowMs = performance.now()) {
    this.#dueMs = nowMs + PERIOD_MS;
    this.#timer = setInterval(() => this.fired(performance.now()), PERIOD_MS);
  }

  get msP99(): number {
    return this.#lags.percentileMs(99);
  }

  /**
   * Notes the timer's lateness, and that of each period for which it could not fire: whatever was due in one of them had
   * to wait as well. A long block would be a single sample among many otherwise ("coordinated omission").
   */
  fired(nowMs: number): void {
    let lagMs = Math.max(0, nowMs - this.#dueMs);
    do this.#lags.recordMs(lagMs);
    while ((lagMs -= PERIOD_MS) > 0);
    this.#dueMs = nowMs + PERIOD_MS;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
