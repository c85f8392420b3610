/** Generation of access keys (docs/formats/users.md). */
import type { Randomness } from '#common/io/randomness.ts';

/** Lengths of powers of two, so that a byte's low bits choose evenly. */
const ACCESS_KEY_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const SECRET_KEY_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export const ACCESS_KEY_LENGTH = 20;
export const SECRET_KEY_LENGTH = 40;

export interface KeyPair {
  readonly accessKey: string;
  readonly secretKey: string;
}

export function generateKeyPair(randomness: Randomness): KeyPair {
  return {
    accessKey: draw(randomness, ACCESS_KEY_ALPHABET, ACCESS_KEY_LENGTH),
    secretKey: draw(randomness, SECRET_KEY_ALPHABET, SECRET_KEY_LENGTH),
  };
}

function draw(randomness: Randomness, alphabet: string, length: number): string {
  let text = '';
  for (const byte of randomness.bytes(length)) text += alphabet.charAt(byte % alphabet.length);
  return text;
}
