/** Reads what a ByteWriter wrote, from bytes that nobody vouches for: everything is bounded, nothing is copied. */
import { BALLOT_BYTES, type Ballot, readBallot } from '#common/ballot.ts';
import { type ErrorCode, HoldfastError } from '#common/errors.ts';

export class ByteReader {
  readonly #from: Buffer;
  readonly #code: ErrorCode;
  #at = 0;

  /** @param code the error that running over the end is: `protocol-violation` on a wire, `format-invalid` in a file. */
  constructor(from: Buffer, code: ErrorCode) {
    this.#from = from;
    this.#code = code;
  }

  get left(): number {
    return this.#from.length - this.#at;
  }

  u8(): number {
    return this.#from[this.#step(1)] as number;
  }

  u16(): number {
    return this.#from.readUInt16BE(this.#step(2));
  }

  u32(): number {
    return this.#from.readUInt32BE(this.#step(4));
  }

  u64(): number {
    const at = this.#step(8);
    const value = this.#from.readUInt32BE(at) * 0x1_0000_0000 + this.#from.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw this.violation('an integer beyond 2^53');
    return value;
  }

  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw this.violation(`${value} is no flag`);
    return value === 1;
  }

  ballot(): Ballot {
    const at = this.#step(BALLOT_BYTES);
    const ballot = readBallot(this.#from, at);
    if (!Number.isSafeInteger(ballot.clock)) throw this.violation('a ballot beyond 2^53');
    return ballot;
  }

  raw(length: number): Buffer {
    const at = this.#step(length);
    return this.#from.subarray(at, at + length);
  }

  hex(length: number): string {
    const at = this.#step(length);
    return this.#from.toString('hex', at, at + length);
  }

  short(lengthMax: number): Buffer {
    const length = this.u16();
    if (length > lengthMax)
      throw this.violation(`a field of ${length} bytes, at most ${lengthMax} are allowed`);
    return this.raw(length);
  }

  /** Everything must have been read: bytes behind the last field mean that the two sides disagree. */
  end(): void {
    if (this.left !== 0) throw this.violation(`${this.left} bytes behind the last field`);
  }

  violation(detail: string): HoldfastError {
    return new HoldfastError(this.#code, detail);
  }

  #step(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#from.length) throw this.violation('the bytes end within a field');
    this.#at = at + bytes;
    return at;
  }
}
