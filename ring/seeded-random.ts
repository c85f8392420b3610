/**
 * A small deterministic generator (Doty-Humphrey, "sfc32", from PractRand): the same seed gives the same ring on every
 * machine and in every release, which Math.random and the randomness seam do not promise.
 */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any integer; its low 53 bits count. */
  constructor(seed: number) {
    this.#a = 0;
    this.#b = seed | 0;
    this.#c = Math.floor(seed / 0x1_0000_0000) | 0;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** 32 random bits, unsigned. */
  next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** 0 ≤ x < 1. */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** An integer, 0 ≤ n < bound. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** The integers 0 … count − 1 in random order (Fisher and Yates). */
  permutation(count: number): Uint32Array {
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const other = this.below(i + 1);
      order[i] = order[other] ?? 0;
      order[other] = i;
    }
    return order;
  }
}

/** Mixes two integers into 32 bits that look random (the finaliser of MurmurHash3): a stable tie-break. */
export function mixBits(a: number, b: number): number {
  let bits = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
