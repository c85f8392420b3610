/** Randomness that a seed decides, for tests: sfc32 (Chris Doty-Humphrey, PractRand). Not for keys or ids. */
import type { Randomness } from './randomness.ts';

const ROUNDS_DISCARDED = 16;

export function seededRandomness(seed: number): Randomness {
  const next = sfc32(seed);
  return {
    bytes: (length) => {
      const bytes = Buffer.allocUnsafe(length);
      for (let at = 0; at < length; at += 1) bytes[at] = next() & 0xff;
      return bytes;
    },
    below: (bound) => {
      if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 48)
        throw new RangeError(`not a bound: ${bound}`);
      const fraction = (next() * 0x20_0000 + (next() >>> 11)) / 2 ** 53;
      return Math.floor(fraction * bound);
    },
  };
}

/** A generator of unsigned 32-bit integers. */
function sfc32(seed: number): () => number {
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < ROUNDS_DISCARDED; round += 1) next();
  return next;
}
