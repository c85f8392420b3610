/** How many records there are, and how much of each segment is still referred to. */
import type { Row } from './index-row.ts';

export interface SegmentCounts {
  /** Bytes of entries that the index refers to. */
  liveBytes: number;
  /** Bytes of purges: needed as long as an older segment exists. */
  purgeBytes: number;
}

export class RecordCounts {
  records = 0;
  tombstones = 0;
  /** Whether every row has been counted: until then the figures only grow towards the truth. */
  complete = false;
  /** Purges of segments below this number were never counted: such a segment must be read to know that it has none. */
  purgesKnownFrom = 0;
  readonly #segments = new Map<number, SegmentCounts>();

  add(row: Row): void {
    this.#count(row, 1);
  }

  subtract(row: Row): void {
    this.#count(row, -1);
  }

  addPurge(segment: number, bytes: number): void {
    this.segment(segment).purgeBytes += bytes;
  }

  #count(row: Row, by: 1 | -1): void {
    if (row.live) this.records += by;
    else this.tombstones += by;
    this.segment(row.segment).liveBytes += by * row.length;
  }

  segment(number: number): SegmentCounts {
    let counts = this.#segments.get(number);
    if (!counts) {
      counts = { liveBytes: 0, purgeBytes: 0 };
      this.#segments.set(number, counts);
    }
    return counts;
  }

  forget(segment: number): void {
    this.#segments.delete(segment);
  }

  /** Bytes of the log that are needed. */
  get usedBytes(): number {
    let bytes = 0;
    for (const { liveBytes, purgeBytes } of this.#segments.values()) bytes += liveBytes + purgeBytes;
    return bytes;
  }

  get segments(): IterableIterator<[number, SegmentCounts]> {
    return this.#segments.entries();
  }
}
