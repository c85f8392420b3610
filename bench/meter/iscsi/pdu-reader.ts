/** Cuts what arrives into PDUs: a header, then its data, which goes straight to where it is wanted. */
import { OperationFailure } from '../../load/operation-failure.ts';
import { HEADER_BYTES, paddedBytes, parseHeader, type ReceivedHeader } from './pdu.ts';

const DATA_BYTES_MAX = 2 ** 23;

export interface PduEvents {
  /** Where the data of this PDU goes; undefined for a buffer of its own. */
  place(header: ReceivedHeader): Buffer | undefined;
  received(header: ReceivedHeader, data: Buffer): void;
}

export class PduReader {
  readonly #events: PduEvents;
  #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #current: ReceivedHeader | undefined;
  #data: Buffer = Buffer.alloc(0);
  #dataBytes = 0;
  #paddingLeft = 0;
  #skipLeft = 0;

  constructor(events: PduEvents) {
    this.#events = events;
  }

  /** Throws OperationFailure when the bytes are no PDU. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) at = this.#step(chunk, at);
  }

  #step(chunk: Buffer, at: number): number {
    const left = chunk.length - at;
    if (this.#current === undefined) {
      const taken = Math.min(left, HEADER_BYTES - this.#headerBytes);
      chunk.copy(this.#header, this.#headerBytes, at, at + taken);
      this.#headerBytes += taken;
      if (this.#headerBytes === HEADER_BYTES) this.#begin();
      return at + taken;
    }
    if (this.#skipLeft > 0) {
      const skipped = Math.min(left, this.#skipLeft);
      this.#skipLeft -= skipped;
      this.#endIfDone();
      return at + skipped;
    }
    if (this.#dataBytes < this.#current.dataBytes) {
      const taken = Math.min(left, this.#current.dataBytes - this.#dataBytes);
      chunk.copy(this.#data, this.#dataBytes, at, at + taken);
      this.#dataBytes += taken;
      this.#endIfDone();
      return at + taken;
    }
    const padding = Math.min(left, this.#paddingLeft);
    this.#paddingLeft -= padding;
    this.#endIfDone();
    return at + padding;
  }

  #begin(): void {
    const header = parseHeader(this.#header);
    if (header.dataBytes > DATA_BYTES_MAX)
      throw new OperationFailure(
        'protocol-violation',
        'response-malformed',
        `a PDU of ${header.dataBytes} bytes`,
      );
    this.#current = header;
    this.#skipLeft = (this.#header[4] ?? 0) * 4;
    this.#data = this.#events.place(header) ?? Buffer.allocUnsafe(header.dataBytes);
    if (this.#data.length < header.dataBytes)
      throw new OperationFailure(
        'protocol-violation',
        'response-malformed',
        'more data came than was asked for',
      );
    this.#dataBytes = 0;
    this.#paddingLeft = paddedBytes(header.dataBytes) - header.dataBytes;
    this.#endIfDone();
  }

  #endIfDone(): void {
    const header = this.#current;
    if (
      header === undefined ||
      this.#skipLeft > 0 ||
      this.#dataBytes < header.dataBytes ||
      this.#paddingLeft > 0
    )
      return;
    const data = this.#data.subarray(0, header.dataBytes);
    this.#current = undefined;
    this.#headerBytes = 0;
    this.#header = Buffer.alloc(HEADER_BYTES);
    this.#events.received(header, data);
  }
}
