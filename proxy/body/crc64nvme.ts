/**
 * CRC-64/NVME (NVM Express Command Set Specification, section 5.2.1.3.4; the `crc64nvme` of S3): reflected, polynomial
 * 0xAD93D23594C93659, begun and ended with all ones.
 */
import { FOLD_BYTES, FOLD_STEP_BYTES, SLICES, TABLE_BYTES, crc64Module } from './crc64nvme-module.ts';
import { instantiate } from './wasm-module.ts';

export const POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const STEP_BYTES = 16;
/** Below it slicing alone is as fast. */
const FOLDED_BYTES_MIN = 16 * 1024;
const PIECE_BYTES = 256 * 1024;
/** What is read before what is folded, and is zero: a little more than FOLD_BYTES, and whole pages of the table's alignment. */
const ZERO_BYTES = 8 * 1024;
/** The memory: tables, zeros, the bytes, zeros, the last of the bytes. */
const PIECE_AT = TABLE_BYTES + ZERO_BYTES;
const REST_AT = PIECE_AT + PIECE_BYTES + ZERO_BYTES;
const MEMORY_BYTES = REST_AT + FOLD_BYTES;

interface Crc64Code {
  readonly memory: { readonly buffer: ArrayBuffer };
  slice(from: number, wholeEnd: number, end: number, crc: bigint): bigint;
  fold(from: number, end: number): void;
  unfold(from: number, end: number): void;
}

class Engine {
  readonly #code: Crc64Code;
  readonly #memory: Uint8Array;
  readonly #view: DataView;

  constructor() {
    this.#code = instantiate<Crc64Code>(crc64Module(MEMORY_BYTES));
    const { buffer } = this.#code.memory;
    this.#memory = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    new BigUint64Array(buffer, 0, TABLE_BYTES / 8).set(makeTables());
  }

  /** @param piece at most PIECE_BYTES. */
  update(piece: Uint8Array, crc: bigint): bigint {
    this.#memory.set(piece, PIECE_AT);
    const end = PIECE_AT + piece.length;
    if (piece.length < FOLDED_BYTES_MIN) return this.#slice(PIECE_AT, end, crc);
    // What came before is as good as added to the first eight bytes.
    this.#view.setBigInt64(PIECE_AT, this.#view.getBigInt64(PIECE_AT, true) ^ crc, true);
    const foldedEnd = end - (piece.length % FOLD_STEP_BYTES);
    this.#code.fold(PIECE_AT, foldedEnd);
    this.#memory.copyWithin(REST_AT, foldedEnd - FOLD_BYTES, foldedEnd);
    this.#code.unfold(REST_AT, REST_AT + FOLD_BYTES);
    return this.#slice(foldedEnd, end, this.#slice(REST_AT, REST_AT + FOLD_BYTES, 0n));
  }

  #slice(from: number, end: number, crc: bigint): bigint {
    return this.#code.slice(from, end - ((end - from) % STEP_BYTES), end, crc);
  }
}

/** `[slice × 256 + byte]`: what a byte, followed by `slice` zero bytes, leaves. */
function makeTables(): BigUint64Array {
  const entries = new BigUint64Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) value = (value & 1n) === 1n ? (value >> 1n) ^ POLYNOMIAL : value >> 1n;
    entries[byte] = value;
  }
  for (let at = 256; at < entries.length; at++) {
    const before = entries[at - 256] ?? 0n;
    entries[at] = (before >> 8n) ^ (entries[Number(before & 0xffn)] ?? 0n);
  }
  return entries;
}

/** One for the thread: it keeps nothing between two calls. */
const engine = new Engine();

export class Crc64Nvme {
  #crc = -1n;

  update(bytes: Uint8Array): this {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      this.#crc = engine.update(bytes.subarray(at, at + PIECE_BYTES), this.#crc);
    }
    return this;
  }

  /** 16 lower-case hexadecimal digits, the highest first. */
  digest(): string {
    return BigInt.asUintN(64, ~this.#crc).toString(16).padStart(16, '0');
  }
}

export function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
