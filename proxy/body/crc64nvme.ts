/**
 * CRC-64/NVME (NVM Express Command Set Specification, section 5.2.1.3.4; the `crc64nvme` of S3): reflected, polynomial
 * 0xAD93D23594C93659, begun and ended with all ones.
 */
import { crc64Module, SLICES, TABLE_BYTES } from './crc64nvme-module.ts';

const POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const BUFFER_BYTES = 64 * 1024;
const STEP_BYTES = 16;

/** The part of WebAssembly's interface that is used here: Node has it, and its types come with browsers' only. */
interface WebAssemblyHost {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
  ) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer };
      readonly update: Engine['update'];
    };
  };
}

interface Engine {
  /** Where bytes are put for `update`. */
  readonly bytes: Uint8Array;
  update(from: number, wholeEnd: number, end: number, crc: bigint): bigint;
}

function startEngine(): Engine {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyHost };
  const module = new WebAssembly.Module(crc64Module(BUFFER_BYTES));
  const { memory, update } = new WebAssembly.Instance(module).exports;
  new BigUint64Array(memory.buffer, 0, TABLE_BYTES / 8).set(makeTables());
  return { bytes: new Uint8Array(memory.buffer, TABLE_BYTES, BUFFER_BYTES), update };
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
const engine = startEngine();

export class Crc64Nvme {
  #crc = -1n;

  update(bytes: Uint8Array): this {
    for (let at = 0; at < bytes.length; at += BUFFER_BYTES) {
      const piece = bytes.subarray(at, at + BUFFER_BYTES);
      engine.bytes.set(piece);
      const wholeEnd = TABLE_BYTES + piece.length - (piece.length % STEP_BYTES);
      this.#crc = engine.update(TABLE_BYTES, wholeEnd, TABLE_BYTES + piece.length, this.#crc);
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
