/** The chances of a schedule: everything random in it is drawn here, so that a seed repeats it. */
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import type { Randomness } from '#common/io/randomness.ts';

const FRACTIONS = 2 ** 32;

export class Dice {
  readonly #randomness: Randomness;

  constructor(seed: number) {
    this.#randomness = seededRandomness(seed);
  }

  /** 0 ≤ fraction < 1. */
  fraction(): number {
    return this.#randomness.below(FRACTIONS) / FRACTIONS;
  }

  /** An integer, 0 ≤ n < bound. */
  below(bound: number): number {
    return this.#randomness.below(bound);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  /** A waiting time with this mean and no memory, as between independent faults. */
  exponential(mean: number): number {
    return -Math.log(1 - this.fraction()) * mean;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }
}
