/**
 * The CRC of two byte strings put together, from the CRC of each and the length of the second (after Mark Adler's
 * description of crc32_combine): multiplication by x^(8 × length) modulo the polynomial. Values are reflected.
 */
export type CombinableCrc = 'crc32' | 'crc32c' | 'crc64nvme';

const polynomials: Readonly<Record<CombinableCrc, { readonly width: bigint; readonly polynomial: bigint }>> =
  {
    crc32: { width: 32n, polynomial: 0xedb88320n },
    crc32c: { width: 32n, polynomial: 0x82f63b78n },
    crc64nvme: { width: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
  };

export class CrcCombiner {
  readonly #width: bigint;
  readonly #polynomial: bigint;
  /** x^(8 × length) by length: the parts of an upload mostly have one. */
  readonly #shifts = new Map<number, bigint>();

  constructor(algorithm: CombinableCrc) {
    this.#width = polynomials[algorithm].width;
    this.#polynomial = polynomials[algorithm].polynomial;
  }

  get bytes(): number {
    return Number(this.#width / 8n);
  }

  /** @param secondBytes the length of what `second` is the CRC of. */
  combine(first: bigint, second: bigint, secondBytes: number): bigint {
    let shift = this.#shifts.get(secondBytes);
    if (shift === undefined) this.#shifts.set(secondBytes, (shift = this.#power(secondBytes)));
    return this.#multiply(shift, first) ^ second;
  }

  #power(bytes: number): bigint {
    let square = 1n << (this.#width - 2n);
    for (let bit = 0; bit < 3; bit++) square = this.#multiply(square, square);
    let power = 1n << (this.#width - 1n);
    for (let left = BigInt(bytes); left > 0n; left >>= 1n) {
      if ((left & 1n) === 1n) power = this.#multiply(square, power);
      square = this.#multiply(square, square);
    }
    return power;
  }

  #multiply(a: bigint, b: bigint): bigint {
    let product = 0n;
    let factor = b;
    for (let bit = 1n << (this.#width - 1n); bit > 0n; bit >>= 1n) {
      if ((a & bit) !== 0n) product ^= factor;
      factor = (factor & 1n) === 1n ? (factor >> 1n) ^ this.#polynomial : factor >> 1n;
    }
    return product;
  }
}
