/**
 * One coarse timer for all operations under way: a timer each would cost more than it measures. Resolution 50 ms.
 */
import type { Clock } from '#common/io/clock.ts';

const TICK_MS = 50;

export interface Ticked {
  /** Called about every 50 ms with the monotonic time. */
  tick(nowMs: number): void;
}

export class Ticker {
  readonly #clock: Clock;
  readonly #members = new Set<Ticked>();
  #running = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Operations under way. */
  get size(): number {
    return this.#members.size;
  }

  add(member: Ticked): void {
    this.#members.add(member);
    if (!this.#running) this.#schedule();
  }

  remove(member: Ticked): void {
    this.#members.delete(member);
  }

  #schedule(): void {
    this.#running = true;
    this.#clock.after(TICK_MS, () => {
      const nowMs = this.#clock.monotonicMs();
      for (const member of this.#members) member.tick(nowMs);
      if (this.#members.size > 0) this.#schedule();
      else this.#running = false;
    });
  }
}
