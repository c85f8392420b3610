/** How background work goes: in pieces with a rest after each, until it is told to stop. */
import type { Clock, Timer } from '#common/io/clock.ts';

/** After a piece of work, rest this many times as long: a fifth of the time at most goes to it. */
const REST_FACTOR = 4;
const REST_MS_MAX = 5000;

export class Pace {
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #wait: { readonly timer: Timer; readonly resolve: () => void } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Ends a pause that is under way, and all that follow. */
  stop(): void {
    this.#stop.abort();
    this.#wait?.timer.cancel();
    this.#wait?.resolve();
  }

  async throttled<Result>(work: () => Promise<Result>): Promise<Result> {
    const startedMs = this.#clock.monotonicMs();
    const result = await work();
    await this.pause(Math.min(REST_MS_MAX, (this.#clock.monotonicMs() - startedMs) * REST_FACTOR));
    return result;
  }

  pause(durationMs: number): Promise<void> {
    if (this.isStopped || durationMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wait = { timer: this.#clock.after(durationMs, resolve), resolve };
    });
  }
}
