/** How late this thread's event loop comes to what is due: a timer every 10 ms, and the time it fires too late. */
import { LatencyHistogram } from './latency-histogram.ts';

const PERIOD_MS = 10;

export class LoopLag implements Disposable {
  readonly #lags = new LatencyHistogram();
  readonly #timer: NodeJS.Timeout;
  #dueMs = performance.now() + PERIOD_MS;

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#lags.recordMs(Math.max(0, now - this.#dueMs));
      this.#dueMs = now + PERIOD_MS;
    }, PERIOD_MS);
  }

  get msP99(): number {
    return this.#lags.percentileMs(99);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
