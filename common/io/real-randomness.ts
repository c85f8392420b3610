/** Randomness from the system's generator. */
import { randomBytes, randomInt } from 'node:crypto';
import type { Randomness } from './randomness.ts';

export const BOUND_MAX = 2 ** 48;

export function realRandomness(): Randomness {
  return {
    bytes: (length) => randomBytes(length),
    below: drawBelow,
  };
}

function drawBelow(bound: number): number {
  // randomInt stops one short of 2^48, which is the bound that a 48-bit writer id asks for.
  if (bound === BOUND_MAX) return randomBytes(6).readUIntBE(0, 6);
  return randomInt(bound);
}
