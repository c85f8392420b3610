/** The receiving side of one BLOB_CREATE stream: data waits here, at most a window of it, for the device. */
import { HoldfastError } from '#common/errors.ts';
import type { BlobSink } from '../engine/device-engine.ts';
import type { DataBuffers } from '../protocol/data-buffers.ts';
import { frameTypes } from '../protocol/frame.ts';
import { WINDOW_BYTES, encodeCredit } from '../protocol/messages/blob.ts';
import { encodeFailed } from '../protocol/messages/failed.ts';
import { type EncodedMessage, emptyMessage } from '../protocol/messages/message.ts';

export interface BlobReceiverContext {
  readonly buffers: DataBuffers;
  readonly send: (message: EncodedMessage) => void;
  /** The stream has ended, well or badly: nothing more is taken on it. */
  readonly ended: () => void;
}

export class BlobReceiver {
  readonly #context: BlobReceiverContext;
  readonly #queue: Buffer[] = [];
  #waitingBytes = 0;
  #receivedBytes = 0;
  #commitBytes: number | undefined;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(context: BlobReceiverContext, create: () => Promise<BlobSink>) {
    this.#context = context;
    // Every failure is answered on the stream by `run` itself.
    void this.#run(create);
  }

  /** Takes a data frame; the buffer is the receiver's from here on. */
  data(chunk: Buffer): void {
    if (this.#over) {
      this.#context.buffers.give(chunk);
      return;
    }
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes > WINDOW_BYTES || this.#commitBytes !== undefined) {
      throw new HoldfastError('protocol-violation', 'data beyond the credit');
    }
    this.#receivedBytes += chunk.length;
    this.#queue.push(chunk);
    this.#wake?.();
  }

  commit(lengthBytes: number): void {
    if (lengthBytes !== this.#receivedBytes) {
      throw new HoldfastError('protocol-violation', 'a blob of another length than was sent');
    }
    this.#commitBytes = lengthBytes;
    this.#wake?.();
  }

  /** The peer gave up, or is gone. */
  cancel(): void {
    this.#over = true;
    this.#wake?.();
  }

  async #run(create: () => Promise<BlobSink>): Promise<void> {
    let sink: BlobSink | undefined;
    try {
      sink = await create();
      await this.#receive(sink);
      if (this.#over) {
        await sink.abort();
        return;
      }
      await sink.commit();
      this.#context.send(emptyMessage(frameTypes.blobCommitted));
    } catch (error) {
      this.#context.send(encodeFailed(error));
      // What is left of a failed blob is removed at the next start at the latest.
      await sink?.abort().catch(() => undefined);
    } finally {
      this.#over = true;
      for (const chunk of this.#queue.splice(0)) this.#context.buffers.give(chunk);
      this.#context.ended();
    }
  }

  /** Writes until the commit, or until the stream is given up. */
  async #receive(sink: BlobSink): Promise<void> {
    while (!this.#over) {
      const chunk = this.#queue.shift();
      if (chunk === undefined) {
        if (this.#commitBytes !== undefined) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        continue;
      }
      const { length } = chunk;
      try {
        await sink.write(chunk);
      } finally {
        this.#context.buffers.give(chunk);
        this.#waitingBytes -= length;
      }
      this.#context.send(encodeCredit(length));
    }
  }
}
