import type { Randomness } from '#common/io/randomness.ts';

/** 32 hexadecimal digits, as Keystone's ids are. */
export function newId(randomness: Randomness): string {
  return randomness.bytes(16).toString('hex');
}
