/**
 * Recycled buffers for the bytes of blobs. A fresh buffer for each chunk costs two to four times the CPU of a recycled
 * one (design §10), so a process keeps some and gives them round. There are two sizes: whoever holds a small piece for long, as a
 * reader does that has stopped reading, is not to hold the memory of a large one.
 */
import { DATA_BYTES_MAX } from './frame.ts';

/** One block of a blob, under one checksum. */
export const SMALL_DATA_BYTES = 64 * 1024;

export class DataBuffers {
  readonly #large: ArrayBufferLike[] = [];
  readonly #small: ArrayBufferLike[] = [];
  readonly #keepMax: number;

  /** @param keepMax buffers of each size kept for use again; what is taken beyond them is left to the collector. */
  constructor(keepMax = 64) {
    this.#keepMax = keepMax;
  }

  /** A buffer of `length` bytes, at most 256 KiB; its content is whatever it held before. */
  take(length: number): Buffer {
    if (length > DATA_BYTES_MAX) throw new RangeError(`a data buffer has at most ${DATA_BYTES_MAX} bytes`);
    const small = length <= SMALL_DATA_BYTES;
    const memory = (small ? this.#small : this.#large).pop();
    if (memory !== undefined) return Buffer.from(memory, 0, length);
    return Buffer.from(new ArrayBuffer(small ? SMALL_DATA_BYTES : DATA_BYTES_MAX), 0, length);
  }

  /** Gives a buffer back. The caller must hold the only use of it. */
  give(buffer: Buffer): void {
    const { byteLength } = buffer.buffer;
    const free =
      byteLength === DATA_BYTES_MAX ? this.#large : byteLength === SMALL_DATA_BYTES ? this.#small : undefined;
    if (free !== undefined && free.length < this.#keepMax) free.push(buffer.buffer);
  }
}
