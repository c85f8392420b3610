/** The sending side of one BLOB_READ stream: reads as far as the reader's credit goes. */
import { HoldfastError } from '#common/errors.ts';
import type { BlobSource } from '../engine/device-engine.ts';
import type { DataBuffers } from '../protocol/data-buffers.ts';
import { DATA_BYTES_MAX, frameTypes } from '../protocol/frame.ts';
import type { BlobRead } from '../protocol/messages/blob.ts';
import { encodeFailed } from '../protocol/messages/failed.ts';
import { type EncodedMessage, emptyMessage } from '../protocol/messages/message.ts';

export interface BlobSenderContext {
  readonly buffers: DataBuffers;
  readonly send: (message: EncodedMessage) => void;
  readonly sendData: (chunk: Buffer, taken: () => void) => void;
  readonly ended: () => void;
}

export class BlobSender {
  readonly #context: BlobSenderContext;
  #creditBytes: number;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(context: BlobSenderContext, read: BlobRead, open: () => Promise<BlobSource>) {
    this.#context = context;
    this.#creditBytes = read.windowBytes;
    // Every failure is answered on the stream by `run` itself.
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
      if (!this.#over) this.#context.send(emptyMessage(frameTypes.blobEnd));
    } catch (error) {
      this.#context.send(encodeFailed(error));
    } finally {
      this.#over = true;
      // A file that was only read has nothing to lose in its close.
      await source?.close().catch(() => undefined);
      this.#context.ended();
    }
  }

  async #transmit(source: BlobSource, read: BlobRead): Promise<void> {
    let position = read.start;
    while (position < read.end && !this.#over) {
      // Chunks end where checksummed blocks do, so that no block is read twice.
      const chunkEnd = Math.min(read.end, position - (position % DATA_BYTES_MAX) + DATA_BYTES_MAX);
      const length = chunkEnd - position;
      if (this.#creditBytes < Math.min(length, read.windowBytes)) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        continue;
      }
      const sent = Math.min(length, this.#creditBytes);
      const chunk = this.#context.buffers.take(sent);
      try {
        await source.read(chunk, 0, sent, position);
      } catch (error) {
        this.#context.buffers.give(chunk);
        throw error;
      }
      this.#creditBytes -= sent;
      position += sent;
      this.#context.sendData(chunk, () => this.#context.buffers.give(chunk));
    }
  }
}
