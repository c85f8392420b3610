/** The clock of the machine. */
import type { Clock, Timer } from './clock.ts';

export function realClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after: (delayMs, then) => new RealTimer(delayMs, then),
  };
}

/** What setTimeout takes; a longer one it would call at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

class RealTimer implements Timer {
  #timeout: NodeJS.Timeout | undefined;

  constructor(delayMs: number, then: () => void) {
    this.#wait(delayMs, then);
  }

  #wait(delayMs: number, then: () => void): void {
    const rest = delayMs - TIMEOUT_MS_MAX;
    const next = rest > 0 ? () => this.#wait(rest, then) : then;
    // The timer is not held: a process whose work is done must be able to end while a retry or a sweep is still due.
    this.#timeout = setTimeout(next, Math.min(delayMs, TIMEOUT_MS_MAX)).unref();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}
