/**
 * CRC-64/NVME (NVM Express Command Set Specification, section 5.2.1.3.4; the `crc64nvme` of S3): reflected, polynomial
 * 0xAD93D23594C93659, begun and ended with all ones. Eight bytes a step ("slicing by 8", Kounavis and Berry, 2005); the
 * 64 bits are kept in two halves, because JavaScript's integers of that size are slow.
 */
const POLYNOMIAL_LOW = 0xac4bc9b5 | 0;
const POLYNOMIAL_HIGH = 0x9a6c9329 | 0;
const SLICES = 8;

/** `low[slice × 256 + byte]` and `high[…]`: what a byte, followed by `slice` zero bytes, leaves. */
function makeTables(): { readonly low: Int32Array; readonly high: Int32Array } {
  const low = new Int32Array(SLICES * 256);
  const high = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let a = byte;
    let b = 0;
    for (let bit = 0; bit < 8; bit++) {
      const out = a & 1;
      a = (a >>> 1) | (b << 31);
      b >>>= 1;
      if (out === 1) {
        a ^= POLYNOMIAL_LOW;
        b ^= POLYNOMIAL_HIGH;
      }
    }
    low[byte] = a;
    high[byte] = b;
  }
  for (let entry = 256; entry < SLICES * 256; entry++) {
    const a = low[entry - 256] ?? 0;
    const b = high[entry - 256] ?? 0;
    low[entry] = ((a >>> 8) | (b << 24)) ^ (low[a & 0xff] ?? 0);
    high[entry] = (b >>> 8) ^ (high[a & 0xff] ?? 0);
  }
  return { low, high };
}

const { low: LOW, high: HIGH } = makeTables();

export class Crc64Nvme {
  #low = -1;
  #high = -1;

  update(bytes: Uint8Array): this {
    let a = this.#low;
    let b = this.#high;
    const wholeEnd = bytes.length - (bytes.length % 8);
    // The assertions below say that an index is within its array: the loop's bounds and the masks see to it.
    for (let at = 0; at < wholeEnd; at += 8) {
      a ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      b ^= bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
      const i0 = 1792 + (a & 0xff);
      const i1 = 1536 + ((a >>> 8) & 0xff);
      const i2 = 1280 + ((a >>> 16) & 0xff);
      const i3 = 1024 + (a >>> 24);
      const i4 = 768 + (b & 0xff);
      const i5 = 512 + ((b >>> 8) & 0xff);
      const i6 = 256 + ((b >>> 16) & 0xff);
      const i7 = b >>> 24;
      a = LOW[i0]! ^ LOW[i1]! ^ LOW[i2]! ^ LOW[i3]! ^ LOW[i4]! ^ LOW[i5]! ^ LOW[i6]! ^ LOW[i7]!;
      b = HIGH[i0]! ^ HIGH[i1]! ^ HIGH[i2]! ^ HIGH[i3]! ^ HIGH[i4]! ^ HIGH[i5]! ^ HIGH[i6]! ^ HIGH[i7]!;
    }
    for (let at = wholeEnd; at < bytes.length; at++) {
      const entry = (a ^ bytes[at]!) & 0xff;
      a = ((a >>> 8) | (b << 24)) ^ LOW[entry]!;
      b = (b >>> 8) ^ HIGH[entry]!;
    }
    this.#low = a;
    this.#high = b;
    return this;
  }

  /** 16 lower-case hexadecimal digits, the highest first. */
  digest(): string {
    return hex32(~this.#high) + hex32(~this.#low);
  }
}

export function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
