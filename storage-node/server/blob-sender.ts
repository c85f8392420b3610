/** The sending side of a range of one blob: reads as far as the reader's credit goes. */
import { HoldfastError } from '#common/errors.ts';
import type { BlobSource } from '../engine/device-engine.ts';
import type { DataBuffers } from '../protocol/data-buffers.ts';
import { DATA_BYTES_MAX } from '../protocol/frame.ts';
import type { BlobRead } from '../protocol/messages/blob.ts';

export interface BlobSenderEvents {
  /** The next bytes; `taken` is called when their memory may be used again. */
  data(chunk: Buffer, taken: () => void): void;
  /** All bytes have been sent. */
  sent(): void;
  failed(error: unknown): void;
  /** It has ended, well or badly. */
  ended(): void;
}

export class BlobSender {
  readonly #buffers: DataBuffers;
  readonly #events: BlobSenderEvents;
  #creditBytes: number;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(
    buffers: DataBuffers,
    events: BlobSenderEvents,
    read: BlobRead,
    open: () => Promise<BlobSource>,
  ) {
    this.#buffers = buffers;
    this.#events = events;
    this.#creditBytes = read.windowBytes;
    // Every failure is told by `run` itself.
    void this.#run(read, open);
  }

  credit(bytes: number): void {
    this.#creditBytes += bytes;
    this.#wake?.();
  }

  /** The reader gave up, or is gone. */
  cancel(): void {
    this.#over = true;
    this.#wake?.();
  }

  async #run(read: BlobRead, open: () => Promise<BlobSource>): Promise<void> {
    let source: BlobSource | undefined;
    try {
      source = await open();
      if (read.end > source.lengthBytes)
        throw new HoldfastError('invalid-argument', 'the range ends behind the blob');
      await this.#transmit(source, read);
      if (!this.#over) this.#events.sent();
    } catch (error) {
      this.#events.failed(error);
    } finally {
      this.#over = true;
      // A file that was only read has nothing to lose in its close.
      await source?.close().catch(() => undefined);
      this.#events.ended();
    }
  }

  async #transmit(source: BlobSource, read: BlobRead): Promise<void> {
    const most = Math.min(DATA_BYTES_MAX, read.windowBytes);
    let position = read.start;
    while (position < read.end && !this.#over) {
      // Chunks end where checksummed blocks do, so that no block is read twice.
      const chunkEnd = Math.min(read.end, position - (position % most) + most);
      const length = chunkEnd - position;
      if (this.#creditBytes < Math.min(length, read.windowBytes)) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        continue;
      }
      const sent = Math.min(length, this.#creditBytes);
      const chunk = this.#buffers.take(sent);
      try {
        await source.read(chunk, 0, sent, position);
      } catch (error) {
        this.#buffers.give(chunk);
        throw error;
      }
      this.#creditBytes -= sent;
      position += sent;
      this.#events.data(chunk, () => this.#buffers.give(chunk));
    }
  }
}
