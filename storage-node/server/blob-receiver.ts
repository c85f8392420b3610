/** The receiving side of one blob: data waits here, at most a window of it, for the device. */
import { HoldfastError } from '#common/errors.ts';
import type { BlobSink } from '../engine/device-engine.ts';
import { WINDOW_BYTES } from '../protocol/messages/blob.ts';

export interface BlobReceiverEvents {
  /** The bytes are the device's: the sender may send as many more. */
  written(bytes: number): void;
  /** The blob is durable. */
  committed(): void;
  failed(error: unknown): void;
  /** It has ended, well or badly: nothing more is taken. */
  ended(): void;
}

interface Waiting {
  readonly chunk: Buffer;
  readonly taken: () => void;
  readonly blockSums: readonly number[] | undefined;
}

export class BlobReceiver {
  readonly #events: BlobReceiverEvents;
  readonly #queue: Waiting[] = [];
  #waitingBytes = 0;
  #receivedBytes = 0;
  #commitBytes: number | undefined;
  #openBlockSum: number | undefined;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(events: BlobReceiverEvents, create: () => Promise<BlobSink>) {
    this.#events = events;
    // Every failure is told by `run` itself.
    void this.#run(create);
  }

  /** Takes the next bytes; `taken` when their memory may be used again. Throws `protocol-violation` beyond the credit. */
  data(chunk: Buffer, taken: () => void, blockSums?: readonly number[]): void {
    if (this.#over) {
      taken();
      return;
    }
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes > WINDOW_BYTES || this.#commitBytes !== undefined) {
      throw new HoldfastError('protocol-violation', 'data beyond the credit');
    }
    this.#receivedBytes += chunk.length;
    this.#queue.push({ chunk, taken, blockSums });
    this.#wake?.();
  }

  commit(lengthBytes: number, openBlockSum?: number): void {
    if (lengthBytes !== this.#receivedBytes) {
      throw new HoldfastError('protocol-violation', 'a blob of another length than was sent');
    }
    this.#commitBytes = lengthBytes;
    this.#openBlockSum = openBlockSum;
    this.#wake?.();
  }

  /** The sender gave up, or is gone. */
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
      await sink.commit(this.#openBlockSum);
      this.#events.committed();
    } catch (error) {
      this.#events.failed(error);
      // What is left of a failed blob is removed at the next start at the latest.
      await sink?.abort().catch(() => undefined);
    } finally {
      this.#over = true;
      for (const { taken } of this.#queue.splice(0)) taken();
      this.#events.ended();
    }
  }

  /** Returns when everything up to the commit is written, or the blob is given up. */
  async #receive(sink: BlobSink): Promise<void> {
    while (!this.#over) {
      // Everything that waits, which is a window at most.
      const waiting = this.#queue.splice(0);
      if (waiting.length === 0) {
        if (this.#commitBytes !== undefined) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        continue;
      }
      const bytes = waiting.reduce((sum, { chunk }) => sum + chunk.length, 0);
      try {
        await sink.write(
          waiting.map(({ chunk }) => chunk),
          blockSumsOf(waiting),
        );
      } finally {
        for (const { taken } of waiting) taken();
        this.#waitingBytes -= bytes;
      }
      this.#events.written(bytes);
    }
  }
}

function blockSumsOf(waiting: readonly Waiting[]): readonly number[] | undefined {
  const sums: number[] = [];
  for (const { blockSums } of waiting) {
    if (blockSums === undefined) return undefined;
    sums.push(...blockSums);
  }
  return sums;
}
