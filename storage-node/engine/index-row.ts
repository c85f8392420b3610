/** The bytes of an index's rows and of its checkpoint: docs/formats/index.md. */
import { BALLOT_BYTES, type Ballot, readBallot, writeBallot } from '#common/ballot.ts';
import { HoldfastError } from '#common/errors.ts';
import { crc32c } from './checksum.ts';
import type { Counted } from './device-engine.ts';
import { type Location, readClock, writeClock } from './log-format.ts';

const ROW_FORMAT = 2;
const COUNTED_AT = 18 + BALLOT_BYTES;
const ROW_HEADER_BYTES = COUNTED_AT + 7;
const MARK_FORMAT = 3;
const MARK_BYTES = 21;

export interface Row extends Location {
  readonly live: boolean;
  readonly ballot: Ballot;
  readonly counted: Counted;
  readonly summary: Buffer;
}

/** A row without what only listings show. */
export type RowHead = Omit<Row, 'summary'>;

export function encodeRow(row: Row): Buffer {
  const bytes = Buffer.allocUnsafe(ROW_HEADER_BYTES + row.summary.length);
  bytes[4] = ROW_FORMAT;
  bytes[5] = row.live ? 1 : 0;
  bytes.writeUInt32BE(row.segment, 6);
  bytes.writeUInt32BE(row.offset, 10);
  bytes.writeUInt32BE(row.length, 14);
  writeBallot(bytes, 18, row.ballot);
  bytes[COUNTED_AT] = row.counted.objects;
  bytes.writeUIntBE(row.counted.bytes, COUNTED_AT + 1, 6);
  bytes.set(row.summary, ROW_HEADER_BYTES);
  bytes.writeUInt32BE(crc32c(bytes.subarray(4)), 0);
  return bytes;
}

/** Throws `data-corrupt`. The summary is a view of `bytes`. */
export function decodeRow(bytes: Buffer): Row {
  const long = bytes.length >= ROW_HEADER_BYTES;
  if (!long || bytes[4] !== ROW_FORMAT || crc32c(bytes.subarray(4)) !== bytes.readUInt32BE(0)) {
    throw new HoldfastError('data-corrupt', 'a row of the index failed its checksum');
  }
  return {
    live: bytes[5] === 1,
    segment: bytes.readUInt32BE(6),
    offset: bytes.readUInt32BE(10),
    length: bytes.readUInt32BE(14),
    ballot: readBallot(bytes, 18),
    counted: { objects: bytes[COUNTED_AT] ?? 0, bytes: bytes.readUIntBE(COUNTED_AT + 1, 6) },
    summary: bytes.subarray(ROW_HEADER_BYTES),
  };
}

export interface Checkpoint {
  readonly segment: number;
  readonly offset: number;
  readonly ceiling: number;
}

export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const bytes = Buffer.alloc(MARK_BYTES);
  bytes[0] = MARK_FORMAT;
  bytes.writeUInt32BE(checkpoint.segment, 1);
  bytes.writeUInt32BE(checkpoint.offset, 5);
  writeClock(bytes, 9, checkpoint.ceiling);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 17)), 17);
  return bytes;
}

/** Undefined when the bytes are not a whole checkpoint. */
export function decodeCheckpoint(bytes: Buffer | undefined): Checkpoint | undefined {
  if (bytes?.length !== MARK_BYTES || bytes[0] !== MARK_FORMAT) return undefined;
  if (crc32c(bytes.subarray(0, 17)) !== bytes.readUInt32BE(17)) return undefined;
  return { segment: bytes.readUInt32BE(1), offset: bytes.readUInt32BE(5), ceiling: readClock(bytes, 9) };
}
