/**
 * One coarse timer for all operations under way: a timer each would cost more than it measures. Resolution 50 ms.
 */
import type { Clock } from '#common/io/clock.ts';
import { Transients } from '#common/transients.ts';

const TICK_MS = 50;

export interface Ticked {
  /** Called about every 50 ms with the monotonic time. */
  tick(nowMs: number): void;
}

export class Ticker {
  readonly #clock: Clock;
  readonly #members = new Transients<Ticked>();
  #running = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Operations under way. */
  get size(): number {
    return this.#members.size;
  }

  /** Its slot, by which it is removed again. */
  add(member: Ticked): number {
    const slot = this.#members.add(member);
    if (!this.#running) this.#schedule();
    return slot;
  }

  remove(slot: number, member: Ticked): void {
    this.#members.remove(slot, member);
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
