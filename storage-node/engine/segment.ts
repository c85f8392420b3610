/** One open segment of the log. */
import { HoldfastError } from '#common/errors.ts';
import type { OpenFile } from '#common/io/files.ts';
import { type Location, isEntryIntact } from './log-format.ts';

export class Segment {
  readonly number: number;
  readonly file: OpenFile;
  /** Where the next entry goes. */
  sizeBytes: number;
  /** Something in it failed its checksum: compaction does not read it. */
  quarantined = false;

  constructor(number: number, file: OpenFile, sizeBytes: number) {
    this.number = number;
    this.file = file;
    this.sizeBytes = sizeBytes;
  }

  /** The entry's bytes in a buffer of their own. Throws `data-corrupt`; what the disk throws passes through. */
  readEntry(location: Location): Buffer {
    const { offset, length } = location;
    const entry = Buffer.allocUnsafe(length);
    const had = this.file.readNow(entry, 0, length, offset);
    if (had !== length || !isEntryIntact(entry, this.number, offset)) {
      throw new HoldfastError('data-corrupt', `the entry at ${this.number}:${offset} failed its checksum`);
    }
    return entry;
  }
}

export function segmentName(number: number): string {
  return `${String(number).padStart(10, '0')}.log`;
}

/** The number in a segment's file name, or undefined for another file. */
export function segmentNumber(name: string): number | undefined {
  const match = /^(\d{10})\.log$/.exec(name);
  return match ? Number(match[1]) : undefined;
}
