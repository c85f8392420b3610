/** What the live rows of a shard add up to: docs/formats/index.md, "Sums". */
import type { Ballot } from '#common/ballot.ts';
import { HoldfastError } from '#common/errors.ts';
import { crc32c } from './checksum.ts';
import type { ShardSums } from './device-engine.ts';
import type { RowHead } from './index-row.ts';
import { readClock, writeClock } from './log-format.ts';

const SUMS_FORMAT = 1;
const SUMS_BYTES = 29;
const SEED_HIGH = 0x243f6a88;
const SEED_LOW = 0x85a308d3;

export type CountedRow = Pick<RowHead, 'live' | 'ballot' | 'counted'>;

/** Sums that are kept up: a row that comes is added, one that goes is subtracted. */
export class RunningSums {
  #objects = 0;
  #bytes = 0;
  #digestHigh = 0;
  #digestLow = 0;

  add(key: Buffer, row: CountedRow): void {
    this.#count(key, row, 1);
  }

  subtract(key: Buffer, row: CountedRow): void {
    this.#count(key, row, -1);
  }

  /** As they are now. */
  get value(): ShardSums {
    const digest = (BigInt(this.#digestHigh) << 32n) | BigInt(this.#digestLow);
    return { objects: this.#objects, bytes: this.#bytes, digest };
  }

  get isZero(): boolean {
    return this.#objects === 0 && this.#bytes === 0 && this.#digestHigh === 0 && this.#digestLow === 0;
  }

  encode(): Buffer {
    const bytes = Buffer.allocUnsafe(SUMS_BYTES);
    bytes[4] = SUMS_FORMAT;
    writeClock(bytes, 5, this.#objects);
    writeClock(bytes, 13, this.#bytes);
    bytes.writeUInt32BE(this.#digestHigh, 21);
    bytes.writeUInt32BE(this.#digestLow, 25);
    bytes.writeUInt32BE(crc32c(bytes.subarray(4)), 0);
    return bytes;
  }

  /** Throws `data-corrupt`. Nothing but zeros when there are no bytes. */
  static decode(bytes: Buffer | undefined): RunningSums {
    const sums = new RunningSums();
    if (bytes === undefined) return sums;
    const whole = bytes.length === SUMS_BYTES && bytes[4] === SUMS_FORMAT;
    if (!whole || crc32c(bytes.subarray(4)) !== bytes.readUInt32BE(0)) {
      throw new HoldfastError('data-corrupt', 'the sums of a shard failed their checksum');
    }
    sums.#objects = readClock(bytes, 5);
    sums.#bytes = readClock(bytes, 13);
    sums.#digestHigh = bytes.readUInt32BE(21);
    sums.#digestLow = bytes.readUInt32BE(25);
    return sums;
  }

  #count(key: Buffer, row: CountedRow, by: 1 | -1): void {
    if (!row.live) return;
    this.#objects += by * row.counted.objects;
    this.#bytes += by * row.counted.bytes;
    const keyHash = crc32c(key);
    this.#digestHigh = (this.#digestHigh + by * halfHash(SEED_HIGH, keyHash, row.ballot)) >>> 0;
    this.#digestLow = (this.#digestLow + by * halfHash(SEED_LOW, keyHash, row.ballot)) >>> 0;
  }
}

function halfHash(seed: number, keyHash: number, { clock, writer }: Ballot): number {
  let hash = mix(seed ^ keyHash);
  hash = mix(hash ^ (clock / 0x1_0000_0000));
  hash = mix(hash ^ (clock % 0x1_0000_0000));
  hash = mix(hash ^ (writer / 0x1_0000_0000));
  return mix(hash ^ (writer % 0x1_0000_0000)) >>> 0;
}

/** The finalizer of MurmurHash3 (Appleby): every bit of the result depends on every bit of `x`. */
function mix(x: number): number {
  let mixed = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
