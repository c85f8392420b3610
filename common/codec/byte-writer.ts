/** Fills one buffer of a size known beforehand; bounds are Buffer's own, so an overrun throws RangeError. */
import { type Ballot, writeBallot } from '#common/ballot.ts';

export class ByteWriter {
  readonly buffer: Buffer;
  #at: number;

  /** @param reserved bytes left free at the beginning, for a header. */
  constructor(bytes: number, reserved = 0) {
    this.buffer = Buffer.allocUnsafe(bytes + reserved);
    this.#at = reserved;
  }

  u8(value: number): this {
    this.#at = this.buffer.writeUInt8(value, this.#at);
    return this;
  }

  u16(value: number): this {
    this.#at = this.buffer.writeUInt16BE(value, this.#at);
    return this;
  }

  u32(value: number): this {
    this.#at = this.buffer.writeUInt32BE(value, this.#at);
    return this;
  }

  /** A non-negative integer below 2^53, in 8 bytes. */
  u64(value: number): this {
    this.#at = this.buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), this.#at);
    this.#at = this.buffer.writeUInt32BE(value % 0x1_0000_0000, this.#at);
    return this;
  }

  ballot(value: Ballot): this {
    this.#at = writeBallot(this.buffer, this.#at, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.buffer.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** Hexadecimal digits as bytes. */
  hex(digits: string): this {
    this.#at += this.buffer.write(digits, this.#at, 'hex');
    return this;
  }

  /** Length in two bytes, then the bytes. */
  short(bytes: Uint8Array): this {
    return this.u16(bytes.length).raw(bytes);
  }

  /** The buffer, which must be full: a message whose size was miscounted is our mistake. */
  done(): Buffer {
    if (this.#at !== this.buffer.length) throw new Error(`wrote ${this.#at} of ${this.buffer.length} bytes`);
    return this.buffer;
  }
}
