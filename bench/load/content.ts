/**
 * What the generator stores: bytes that follow from a seed alone, so that any read can be checked without a copy, and
 * that no server can shrink. A pool of random bytes is drawn once; every 64 KiB block of every object is a slice of
 * the pool from an offset of its own, with every second word masked by keys of its own:
 *
 *     block = pool[offset …] with words 0, 4, 8 … ^ keyA and words 2, 6, 10 … ^ keyB
 *
 * Two blocks thus share no run of more than four bytes, except by chance: a compressor finds nothing to match, and
 * de-duplication no equal chunk, wherever it cuts. Copying and masking costs a tenth of what drawing the bytes would.
 */
import { createCipheriv, hash } from 'node:crypto';

export const BLOCK_BYTES = 64 * 1024;
const WORD_BYTES = 4;
const BLOCK_WORDS = BLOCK_BYTES / WORD_BYTES;
const POOL_WORDS = (1 << 20) / WORD_BYTES;
/** Words masked in one turn of the loop; buffers are rounded up to it. */
const STRIDE_WORDS = 4;
export const GENERATE_ROUNDING_BYTES = STRIDE_WORDS * WORD_BYTES;

/** Names one object's content: two numbers below 2^32 that no other object of the run has together. */
export interface ContentKey {
  readonly family: number;
  readonly index: number;
}

/** A bijection of 32-bit integers that spreads every bit (the finisher of MurmurHash3, by Austin Appleby). */
export function scramble(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

export class ContentSource {
  /** Room for one block, for whoever generates one and is done with it before it gives up the thread. */
  readonly scratch = generationBuffer(BLOCK_BYTES);
  readonly #pool: Int32Array;

  constructor(seed: string) {
    const bytes = Buffer.alloc(POOL_WORDS * WORD_BYTES + BLOCK_BYTES);
    const key = hash('sha256', `holdfast bench content ${seed}`, 'buffer');
    const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
    const random = cipher.update(bytes);
    this.#pool = new Int32Array(random.length / WORD_BYTES);
    Buffer.from(this.#pool.buffer).set(random);
  }

  /**
   * Writes `lengthBytes` of the object's bytes from `position`, a multiple of 64 KiB, to the start of `into` — and up
   * to 15 bytes more, because whole strides are written.
   */
  generate(into: Int32Array, intoWord: number, key: ContentKey, position: number, lengthBytes: number): void {
    let block = position / BLOCK_BYTES;
    let word = intoWord;
    let left = lengthBytes;
    while (left > 0) {
      const bytes = Math.min(left, BLOCK_BYTES);
      this.#generateBlock(into, word, key, block, bytes);
      word += BLOCK_WORDS;
      left -= bytes;
      block++;
    }
  }

  #generateBlock(into: Int32Array, intoWord: number, key: ContentKey, block: number, bytes: number): void {
    const keyA = scramble(key.index ^ scramble(block + 0x9e3779b9));
    const keyB = scramble(key.family ^ scramble(keyA + Math.imul(block, 0x7feb352d)));
    const offset = scramble(keyA ^ (keyB + 0x2545f491)) % POOL_WORDS;
    const words = Math.ceil(bytes / GENERATE_ROUNDING_BYTES) * STRIDE_WORDS;
    into.set(this.#pool.subarray(offset, offset + words), intoWord);
    const end = intoWord + words;
    for (let word = intoWord; word < end; word += STRIDE_WORDS) {
      into[word]! ^= keyA;
      into[word + 2]! ^= keyB;
    }
  }
}

/** Allocates words and the bytes over them; both name the same memory. */
export function generationBuffer(lengthBytes: number): {
  readonly words: Int32Array;
  readonly bytes: Buffer;
} {
  const rounded = Math.ceil(lengthBytes / GENERATE_ROUNDING_BYTES) * GENERATE_ROUNDING_BYTES;
  const words = new Int32Array(rounded / WORD_BYTES);
  return { words, bytes: Buffer.from(words.buffer) };
}
