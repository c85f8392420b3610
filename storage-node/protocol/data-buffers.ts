/**
 * Recycled buffers for the bytes of blobs. A fresh buffer for each chunk costs two to four times the CPU of a recycled
 * one (design §10), so a process keeps some and gives them round.
 */
import { DATA_BYTES_MAX } from './frame.ts';

export class DataBuffers {
  readonly #free: ArrayBufferLike[] = [];
  readonly #keepMax: number;

  /** @param keepMax buffers of 256 KiB kept for use again; what is taken beyond them is left to the collector. */
  constructor(keepMax = 64) {
    this.#keepMax = keepMax;
  }

  /** A buffer of `length` bytes, at most 256 KiB; its content is whatever it held before. */
  take(length: number): Buffer {
    if (length > DATA_BYTES_MAX) throw new RangeError(`a data buffer has at most ${DATA_BYTES_MAX} bytes`);
    const memory = this.#free.pop();
    if (memory !== undefined) return Buffer.from(memory, 0, length);
    return Buffer.from(new ArrayBuffer(DATA_BYTES_MAX), 0, length);
  }

  /** Gives a buffer back. The caller must hold the only use of it. */
  give(buffer: Buffer): void {
    if (buffer.buffer.byteLength === DATA_BYTES_MAX && this.#free.length < this.#keepMax)
      this.#free.push(buffer.buffer);
  }
}
