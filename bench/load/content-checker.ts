/**
 * Compares a body that arrives in pieces of any length with what the object must hold. Of a body up to 64 KiB every
 * byte is compared. Of a larger one the first block is (it tells objects apart), the others with the given probability.
 */
import { BLOCK_BYTES, type ContentKey, type ContentSource, generationBuffer } from './content.ts';
import type { RandomSequence } from './random-sequence.ts';

export class ContentChecker {
  readonly #source: ContentSource;
  readonly #random: RandomSequence;
  readonly #fraction: number;
  readonly #expected: { readonly words: Int32Array; readonly bytes: Buffer };
  #key: ContentKey = { family: 0, index: 0 };
  #position = 0;
  #end = 0;
  #block = -1;
  #blockChecked = false;
  #firstBlock = 0;
  #mismatchAt = -1;
  #checkedBytes = 0;
  #spentMs = 0;

  /** @param fraction of the blocks of large bodies that are compared, 0 … 1. */
  constructor(source: ContentSource, random: RandomSequence, fraction: number, sizeBytesMax: number) {
    this.#source = source;
    this.#random = random;
    this.#fraction = fraction;
    this.#expected = generationBuffer(Math.min(sizeBytesMax, BLOCK_BYTES));
  }

  /** Bytes compared since the start. */
  get checkedBytes(): number {
    return this.#checkedBytes;
  }

  /** Milliseconds spent in comparing since the start. */
  get spentMs(): number {
    return this.#spentMs;
  }

  /** Begins a body: bytes `start` … `end` (excluded) of an object of `sizeBytes`. */
  begin(key: ContentKey, start: number, end: number): void {
    this.#key = key;
    this.#position = start;
    this.#end = end;
    this.#block = -1;
    this.#firstBlock = Math.floor(start / BLOCK_BYTES);
    this.#mismatchAt = -1;
  }

  /** Takes the next bytes of the body. What exceeds the announced end counts as received, and is not compared. */
  take(chunk: Buffer, from: number, to: number): void {
    const startedAt = performance.now();
    let at = from;
    while (at < to && this.#position < this.#end) {
      const block = Math.floor(this.#position / BLOCK_BYTES);
      if (block !== this.#block) this.#enter(block);
      const blockStart = block * BLOCK_BYTES;
      const length = Math.min(to - at, Math.min(this.#end, blockStart + BLOCK_BYTES) - this.#position);
      if (this.#blockChecked) this.#compare(chunk, at, length, this.#position - blockStart);
      at += length;
      this.#position += length;
    }
    this.#position += to - at;
    this.#spentMs += performance.now() - startedAt;
  }

  /** What is wrong with the body that ended, in words; undefined when nothing is. */
  verdict(): { readonly kind: 'length-mismatch' | 'content-mismatch'; readonly detail: string } | undefined {
    if (this.#position !== this.#end)
      return {
        kind: 'length-mismatch',
        detail: `the body ended at byte ${this.#position}, not ${this.#end}`,
      };
    if (this.#mismatchAt >= 0)
      return {
        kind: 'content-mismatch',
        detail: `the body differs within the bytes from ${this.#mismatchAt}`,
      };
    return undefined;
  }

  #enter(block: number): void {
    this.#block = block;
    this.#blockChecked =
      this.#fraction > 0 &&
      (this.#fraction >= 1 || block === this.#firstBlock || this.#random.fraction() < this.#fraction);
    if (!this.#blockChecked) return;
    const start = block * BLOCK_BYTES;
    const length = Math.min(BLOCK_BYTES, this.#end - start);
    this.#source.generate(this.#expected.words, 0, this.#key, start, length);
  }

  #compare(chunk: Buffer, at: number, length: number, inBlock: number): void {
    const differs = chunk.compare(this.#expected.bytes, inBlock, inBlock + length, at, at + length) !== 0;
    if (differs && this.#mismatchAt < 0) this.#mismatchAt = this.#position;
    this.#checkedBytes += length;
  }
}
