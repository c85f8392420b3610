/**
 * Cuts a byte stream into frames. Small frames that lie whole in a received chunk are handed out in place; a frame
 * that spans chunks is gathered in a buffer of the reader's own; the payload of a data frame is gathered in a buffer
 * that `takeBuffer` gives, which then belongs to whoever handles the frame.
 */
import { HoldfastError } from '#common/errors.ts';
import {
  type FrameHeader,
  type FrameType,
  HEADER_BYTES,
  checksumFits,
  frameTypes,
  readHeader,
} from './frame.ts';

export interface FrameHandler {
  /** @param payload valid during the call only, unless the frame is a data frame. */
  frame(type: FrameType, stream: number, device: number, payload: Buffer): void;
  /** A buffer of at least `length` bytes for a data frame's payload; handed to `frame` cut to `length`. */
  takeBuffer(length: number): Buffer;
}

export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #head = Buffer.alloc(HEADER_BYTES);
  #headFilled = 0;
  #header: FrameHeader | undefined;
  #payload: Buffer = Buffer.alloc(0);
  #payloadFilled = 0;
  #gathered: Buffer = Buffer.alloc(0);

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Throws `protocol-violation`; the connection must then be closed. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#header !== undefined) at = this.#gatherPayload(chunk, at, this.#header);
      else if (this.#headFilled > 0 || chunk.length - at < HEADER_BYTES) at = this.#gatherHead(chunk, at);
      else at = this.#takeInPlace(chunk, at);
    }
  }

  #takeInPlace(chunk: Buffer, at: number): number {
    const header = readHeader(chunk, at);
    const end = at + HEADER_BYTES + header.length;
    if (end > chunk.length || header.type === frameTypes.blobData) {
      chunk.copy(this.#head, 0, at, at + HEADER_BYTES);
      this.#begin(header);
      return at + HEADER_BYTES;
    }
    this.#deliver(header, chunk, at, chunk.subarray(at + HEADER_BYTES, end));
    return end;
  }

  #gatherHead(chunk: Buffer, at: number): number {
    const count = Math.min(HEADER_BYTES - this.#headFilled, chunk.length - at);
    chunk.copy(this.#head, this.#headFilled, at, at + count);
    this.#headFilled += count;
    if (this.#headFilled === HEADER_BYTES) this.#begin(readHeader(this.#head, 0));
    return at + count;
  }

  #begin(header: FrameHeader): void {
    this.#headFilled = 0;
    this.#payloadFilled = 0;
    if (header.length === 0) {
      this.#deliver(header, this.#head, 0, Buffer.alloc(0));
      return;
    }
    this.#header = header;
    if (header.type === frameTypes.blobData) {
      this.#payload = this.#handler.takeBuffer(header.length).subarray(0, header.length);
      return;
    }
    if (this.#gathered.length < header.length) {
      this.#gathered = Buffer.allocUnsafeSlow(Math.max(header.length, 64 << 10));
    }
    this.#payload = this.#gathered.subarray(0, header.length);
  }

  #gatherPayload(chunk: Buffer, at: number, header: FrameHeader): number {
    const count = Math.min(header.length - this.#payloadFilled, chunk.length - at);
    chunk.copy(this.#payload, this.#payloadFilled, at, at + count);
    this.#payloadFilled += count;
    if (this.#payloadFilled === header.length) {
      this.#header = undefined;
      this.#deliver(header, this.#head, 0, this.#payload);
    }
    return at + count;
  }

  #deliver(header: FrameHeader, head: Buffer, at: number, payload: Buffer): void {
    if (!checksumFits(head, at, payload, header.checksum)) {
      throw new HoldfastError('protocol-violation', 'a frame failed its checksum');
    }
    this.#handler.frame(header.type, header.stream, header.device, payload);
  }
}
