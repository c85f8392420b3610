/** A connection that carries frames: seals what goes out, cuts and checks what comes in, bounds what waits. */
import { HoldfastError } from '#common/errors.ts';
import type { Connection } from '#common/io/network.ts';
import type { DataBuffers } from './data-buffers.ts';
import { type FrameType, HEADER_BYTES, frameTypes, sealFrame } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import type { EncodedMessage } from './messages/message.ts';

/** Bytes that may wait for a peer that does not read; requests beyond them fail. */
export const UNSENT_BYTES_MAX = 8 << 20;

export interface FramedEvents {
  /** @param payload valid during the call only, unless the frame is BLOB_DATA: then it belongs to the callee. */
  frame(type: FrameType, stream: number, device: number, payload: Buffer): void;
  closed(error: Error | undefined): void;
}

export class FramedConnection {
  readonly buffers: DataBuffers;
  readonly #connection: Connection;
  #open = true;
  #sentBytes = 0;

  constructor(connection: Connection, buffers: DataBuffers, events: FramedEvents) {
    this.#connection = connection;
    this.buffers = buffers;
    const reader = new FrameReader({
      frame: (type, stream, device, payload) => events.frame(type, stream, device, payload),
      takeBuffer: (length) => this.#takeBuffer(length),
    });
    connection.listen({
      data: (chunk) => {
        try {
          if (this.#open) reader.push(chunk);
        } catch (error) {
          this.close(error instanceof Error ? error : new Error(String(error)));
        }
      },
      closed: (error) => {
        this.#open = false;
        events.closed(error);
      },
    });
  }

  get remote(): string {
    return this.#connection.remote;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Whether the peer has let more wait than it should: new requests are to be refused. */
  get isCongested(): boolean {
    return this.#connection.queuedBytes > UNSENT_BYTES_MAX;
  }

  get queuedBytes(): number {
    return this.#connection.queuedBytes;
  }

  /** Bytes that the system has taken: while some are queued, a peer that is there lets it grow. */
  get takenBytes(): number {
    return this.#sentBytes - this.#connection.queuedBytes;
  }

  send(message: EncodedMessage, device: number, stream: number): void {
    if (!this.#open) return;
    sealFrame(message.head, message.type, device, stream, message.rest);
    this.#write(message.rest.length === 0 ? [message.head] : [message.head, ...message.rest]);
  }

  /** Sends bytes of a blob without a copy; `taken` when the memory of `chunk` may be used again. */
  sendData(chunk: Buffer, device: number, stream: number, taken: () => void): void {
    if (!this.#open) {
      taken();
      return;
    }
    const head = Buffer.allocUnsafe(HEADER_BYTES);
    sealFrame(head, frameTypes.blobData, device, stream, [chunk]);
    this.#write([head, chunk], taken);
  }

  #write(chunks: readonly Uint8Array[], taken?: () => void): void {
    for (const { length } of chunks) this.#sentBytes += length;
    this.#connection.write(chunks, taken);
  }

  close(error?: Error): void {
    this.#open = false;
    this.#connection.destroy(error);
  }

  /** Sends what is queued, then closes. */
  end(): void {
    this.#connection.end();
  }

  #takeBuffer(length: number): Buffer {
    try {
      return this.buffers.take(length);
    } catch (cause) {
      throw new HoldfastError('protocol-violation', `a data frame of ${length} bytes`, { cause });
    }
  }
}
