/** The clock of the machine. */
import type { Clock, Timer } from './clock.ts';

export function realClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after: (delayMs, then) => new RealTimer(delayMs, then),
  };
}

class RealTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;

  constructor(delayMs: number, then: () => void) {
    // The timer is not held: a process whose work is done must be able to end while a retry or a sweep is still due.
    this.#timeout = setTimeout(then, delayMs).unref();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}
