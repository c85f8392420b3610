/** A sequence of pseudo-random numbers that follows from a seed (Mulberry32, by Tommy Ettinger). */
export class RandomSequence {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 ≤ n < 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer, 0 ≤ n < bound. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }
}
