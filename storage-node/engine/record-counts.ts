/** How many records there are, and how much of each segment is still referred to: docs/formats/index.md, "Counts". */
import { HoldfastError } from '#common/errors.ts';
import { crc32c } from './checksum.ts';
import type { RowHead } from './index-row.ts';
import { readClock, writeClock } from './log-format.ts';
import type { LogPosition } from './log.ts';
import type { IndexEntry, IndexWrite } from './record-index.ts';

const COUNTS_FORMAT = 1;
const DEVICE_BYTES = 33;
const SEGMENT_BYTES = 21;
const DEVICE_KEY = Buffer.alloc(0);
const SEGMENT_KEY_BYTES = 4;

export interface SegmentCounts {
  /** Bytes of entries that the index refers to. */
  readonly liveBytes: number;
  /** Bytes of purges: needed as long as an older segment exists. */
  readonly purgeBytes: number;
}

const NONE: SegmentCounts = { liveBytes: 0, purgeBytes: 0 };

export class RecordCounts {
  #records = 0;
  #tombstones = 0;
  #purgesKnownFrom = 0;
  #lastPurge: LogPosition = { segment: 0, offset: 0 };
  readonly #segments = new Map<number, { liveBytes: number; purgeBytes: number }>();
  /** Segments whose counts the index does not have yet. */
  readonly #changed = new Set<number>();
  #isChanged = false;

  get records(): number {
    return this.#records;
  }

  get tombstones(): number {
    return this.#tombstones;
  }

  /** Purges of segments below this number were never counted: such a segment must be read to know that it has none. */
  get purgesKnownFrom(): number {
    return this.#purgesKnownFrom;
  }

  /** Whether the index lacks something of them. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  add(row: RowHead): void {
    this.#count(row, 1);
  }

  subtract(row: RowHead): void {
    this.#count(row, -1);
  }

  /** Purges come in the log's order; one that has been counted before the log is replayed is not counted twice. */
  addPurge(segment: number, offset: number, bytes: number): void {
    const last = this.#lastPurge;
    if (segment < last.segment || (segment === last.segment && offset <= last.offset)) return;
    this.#lastPurge = { segment, offset };
    this.#change(segment).purgeBytes += bytes;
  }

  segment(number: number): SegmentCounts {
    return this.#segments.get(number) ?? NONE;
  }

  forget(segment: number): void {
    this.#segments.delete(segment);
    this.#changed.add(segment);
    this.#isChanged = true;
  }

  /** Forgets all other segments: they were removed, and a crash came before the index knew. */
  keepOnly(segments: ReadonlySet<number>): void {
    for (const number of [...this.#segments.keys()]) if (!segments.has(number)) this.forget(number);
  }

  /** Nothing is known of the purges in segments below `segment`. */
  forgetPurgesBelow(segment: number): void {
    this.#purgesKnownFrom = segment;
    this.#isChanged = true;
  }

  /** Bytes of the log that are needed. */
  get usedBytes(): number {
    let bytes = 0;
    for (const { liveBytes, purgeBytes } of this.#segments.values()) bytes += liveBytes + purgeBytes;
    return bytes;
  }

  /** What the index is to be given with the rows that have changed until now. */
  take(): IndexWrite[] {
    if (!this.#isChanged) return [];
    const writes: IndexWrite[] = [{ key: DEVICE_KEY, value: this.#encode() }];
    for (const number of this.#changed) {
      const counts = this.#segments.get(number);
      writes.push({ key: segmentKey(number), value: counts && encodeSegment(counts) });
    }
    this.#changed.clear();
    this.#isChanged = false;
    return writes;
  }

  /** @param entries as `take` gave them. Throws `data-corrupt`. */
  static decode(entries: readonly IndexEntry[]): RecordCounts {
    const counts = new RecordCounts();
    for (const [key, value] of entries) {
      if (key.length === SEGMENT_KEY_BYTES) {
        check(value, SEGMENT_BYTES);
        const segment = { liveBytes: readClock(value, 5), purgeBytes: readClock(value, 13) };
        counts.#segments.set(key.readUInt32BE(0), segment);
        continue;
      }
      check(value, DEVICE_BYTES);
      counts.#records = readClock(value, 5);
      counts.#tombstones = readClock(value, 13);
      counts.#purgesKnownFrom = value.readUInt32BE(21);
      counts.#lastPurge = { segment: value.readUInt32BE(25), offset: value.readUInt32BE(29) };
    }
    return counts;
  }

  #encode(): Buffer {
    const bytes = Buffer.allocUnsafe(DEVICE_BYTES);
    writeClock(bytes, 5, Math.max(0, this.#records));
    writeClock(bytes, 13, Math.max(0, this.#tombstones));
    bytes.writeUInt32BE(this.#purgesKnownFrom, 21);
    bytes.writeUInt32BE(this.#lastPurge.segment, 25);
    bytes.writeUInt32BE(this.#lastPurge.offset, 29);
    return sealed(bytes);
  }

  #count(row: RowHead, by: 1 | -1): void {
    if (row.live) this.#records += by;
    else this.#tombstones += by;
    this.#change(row.segment).liveBytes += by * row.length;
  }

  #change(number: number): { liveBytes: number; purgeBytes: number } {
    this.#changed.add(number);
    this.#isChanged = true;
    let counts = this.#segments.get(number);
    if (!counts) {
      counts = { liveBytes: 0, purgeBytes: 0 };
      this.#segments.set(number, counts);
    }
    return counts;
  }
}

function segmentKey(number: number): Buffer {
  const key = Buffer.allocUnsafe(SEGMENT_KEY_BYTES);
  key.writeUInt32BE(number, 0);
  return key;
}

function encodeSegment({ liveBytes, purgeBytes }: SegmentCounts): Buffer {
  const bytes = Buffer.allocUnsafe(SEGMENT_BYTES);
  // While a damaged row is about to make the index anew, counts may be below what they were.
  writeClock(bytes, 5, Math.max(0, liveBytes));
  writeClock(bytes, 13, purgeBytes);
  return sealed(bytes);
}

function sealed(bytes: Buffer): Buffer {
  bytes[4] = COUNTS_FORMAT;
  bytes.writeUInt32BE(crc32c(bytes.subarray(4)), 0);
  return bytes;
}

function check(bytes: Buffer, length: number): void {
  const whole = bytes.length === length && bytes[4] === COUNTS_FORMAT;
  if (!whole || crc32c(bytes.subarray(4)) !== bytes.readUInt32BE(0)) {
    throw new HoldfastError('data-corrupt', 'the counts of a device failed their checksum');
  }
}
