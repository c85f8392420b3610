/** Generated content from any byte to any other: what is to be written, and what must have been read. */
import { BLOCK_BYTES, type ContentKey, ContentSource, GENERATE_ROUNDING_BYTES } from '../../load/content.ts';

export class ContentRange {
  readonly source: ContentSource;
  /** Bytes generated and bytes compared since the start. */
  generatedBytes = 0;
  verifiedBytes = 0;

  constructor(seed: string) {
    this.source = new ContentSource(seed);
  }

  /** Writes bytes `position` … `position + lengthBytes` of the object to `into` from `at` on. */
  fill(into: Buffer, at: number, key: ContentKey, position: number, lengthBytes: number): void {
    const { scratch } = this.source;
    for (let done = 0; done < lengthBytes; ) {
      const inBlock = (position + done) % BLOCK_BYTES;
      const length = Math.min(BLOCK_BYTES - inBlock, lengthBytes - done);
      const start = position + done - inBlock;
      if (inBlock === 0 && length === BLOCK_BYTES && (into.byteOffset + at + done) % 4 === 0) {
        const words = new Int32Array(into.buffer, into.byteOffset + at + done, BLOCK_BYTES / 4);
        this.source.generate(words, 0, key, start, BLOCK_BYTES);
      } else {
        this.source.generate(scratch.words, 0, key, start, roundedUp(inBlock + length));
        into.set(scratch.bytes.subarray(inBlock, inBlock + length), at + done);
      }
      done += length;
    }
    this.generatedBytes += lengthBytes;
  }

  /** Where, in the object, the block lies in which `bytes` first differ from what they must be; -1 when they do not. */
  mismatch(bytes: Buffer, at: number, key: ContentKey, position: number, lengthBytes: number): number {
    const { scratch } = this.source;
    for (let done = 0; done < lengthBytes; ) {
      const inBlock = (position + done) % BLOCK_BYTES;
      const length = Math.min(BLOCK_BYTES - inBlock, lengthBytes - done);
      this.source.generate(scratch.words, 0, key, position + done - inBlock, roundedUp(inBlock + length));
      const from = at + done;
      if (bytes.compare(scratch.bytes, inBlock, inBlock + length, from, from + length) !== 0)
        return position + done;
      done += length;
    }
    this.verifiedBytes += lengthBytes;
    return -1;
  }
}

function roundedUp(bytes: number): number {
  return Math.ceil(bytes / GENERATE_ROUNDING_BYTES) * GENERATE_ROUNDING_BYTES;
}
