/** Randomness from the system's generator. */
import { randomBytes, randomInt } from 'node:crypto';
import type { Randomness } from './randomness.ts';

export const BOUND_MAX = 2 ** 48;

/** The system is asked for this much at once: a call costs 2 to 8 µs, whatever it is asked for. */
const POOL_BYTES = 8192;
const POOLED_BYTES_MAX = 64;

export function realRandomness(): Randomness {
  let pool = Buffer.alloc(0);
  let used = 0;
  const pooled = (length: number): Buffer => {
    if (used + length > pool.length) {
      pool = randomBytes(POOL_BYTES);
      used = 0;
    }
    used += length;
    // A copy: what is drawn shares no memory with what will be.
    return Buffer.from(pool.subarray(used - length, used));
  };
  return {
    bytes: (length) => (length <= POOLED_BYTES_MAX ? pooled(length) : randomBytes(length)),
    below: drawBelow,
  };
}

function drawBelow(bound: number): number {
  // randomInt stops one short of 2^48, which is the bound that a 48-bit writer id asks for.
  if (bound === BOUND_MAX) return randomBytes(6).readUIntBE(0, 6);
  return randomInt(bound);
}
