/** The checksums of a blob's blocks as its bytes go by: docs/formats/blob.md. */
import { crc32c } from '@node-rs/crc32';

/** Of a blob's data; each block has a sum of its own. */
export const BLOCK_BYTES = 64 * 1024;

export class BlockSummer {
  #sum = 0;
  #bytes = 0;

  /** The sum of the block that has begun, when it has. */
  get open(): number | undefined {
    return this.#bytes > 0 ? this.#sum : undefined;
  }

  /** The sums of the blocks that end within `chunk`, which follows what was added before. */
  add(chunk: Buffer): number[] {
    const ended: number[] = [];
    let at = 0;
    while (at < chunk.length) {
      const bytes = Math.min(BLOCK_BYTES - this.#bytes, chunk.length - at);
      this.#sum = crc32c(chunk.subarray(at, at + bytes), this.#sum);
      this.#bytes += bytes;
      at += bytes;
      if (this.#bytes < BLOCK_BYTES) break;
      ended.push(this.#sum);
      this.#sum = 0;
      this.#bytes = 0;
    }
    return ended;
  }
}
