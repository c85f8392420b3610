/** The bytes of the log: docs/formats/log.md. */
import { BALLOT_BYTES, type Ballot, readBallot, writeBallot } from '#common/ballot.ts';
import { NAME_BYTES_MAX, SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { crc32c } from './checksum.ts';
import type { AcceptedState, AppliedOperation, Counted } from './device-engine.ts';

export const SEGMENT_HEADER_BYTES = 64;
export const ENTRY_HEADER_BYTES = 20;
export const ENTRY_BYTES_MIN = 24;
export const ENTRY_BYTES_MAX = 1024 * 1024 + 64 * 1024;
export const SUMMARY_BYTES_MAX = 4096;
export const CONTENT_BYTES_MAX = 1024 * 1024 - 64 * 1024;
export const HISTORY_OPERATIONS_MAX = 32;

/** Its first byte is no UTF-8 lead byte that names often begin with, and the four together are no UTF-8 at all. */
export const ENTRY_MARKER = Buffer.from([0xc5, 0x9e, 0x4c, 0x31]);
const ENTRY_MARKER_NUMBER = 0xc59e4c31;
const OPERATION_ID_BYTES = 16;
const OPERATION_BYTES = OPERATION_ID_BYTES + BALLOT_BYTES;
const RECORD_HEADER_BYTES = 62;
const PURGE_HEADER_BYTES = ENTRY_HEADER_BYTES + BALLOT_BYTES;
const CEILING_BYTES = ENTRY_HEADER_BYTES + 8;
const KEY_BYTES_MAX = SHARD_PREFIX_BYTES + NAME_BYTES_MAX;
const LIVE_FLAG = 1;
/** A content up to this is copied behind its record's head: one more buffer in a writev costs more than the copy. */
const COPIED_CONTENT_BYTES_MAX = 1024;

export const entryTypes = { record: 1, purge: 2, ceiling: 3 } as const;
export type EntryType = (typeof entryTypes)[keyof typeof entryTypes];

/** Where an entry is. */
export interface Location {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

/** An entry in memory: its bytes but for the fields that its place decides. */
export interface EncodedEntry {
  readonly head: Buffer;
  readonly tail: Buffer | undefined;
  readonly length: number;
}

export function encodeRecord(key: Buffer, state: AcceptedState): EncodedEntry {
  const { history, summary, content } = state;
  checkLimit('key', key.length, KEY_BYTES_MAX);
  checkLimit('history', history.length, HISTORY_OPERATIONS_MAX);
  checkLimit('summary', summary.length, SUMMARY_BYTES_MAX);
  checkLimit('content', content.length, CONTENT_BYTES_MAX);
  const copied = content.length <= COPIED_CONTENT_BYTES_MAX;
  const headBytes = RECORD_HEADER_BYTES + key.length + history.length * OPERATION_BYTES + summary.length;
  const length = headBytes + content.length;
  const head = Buffer.allocUnsafe(copied ? length : headBytes);
  writeEntryHeader(head, length, entryTypes.record, state.live ? LIVE_FLAG : 0, key.length);
  writeBallot(head, 20, state.ballot);
  writeBallot(head, 34, state.horizon);
  head[48] = history.length;
  head[49] = state.counted.objects;
  head.writeUInt16BE(summary.length, 50);
  head.writeUInt32BE(content.length, 52);
  head.writeUIntBE(state.counted.bytes, 56, 6);
  head.set(key, RECORD_HEADER_BYTES);
  let at = RECORD_HEADER_BYTES + key.length;
  for (const operation of history) {
    if (head.write(operation.id, at, OPERATION_ID_BYTES, 'hex') !== OPERATION_ID_BYTES) {
      throw new HoldfastError('invalid-argument', 'an operation id is not 32 hexadecimal digits');
    }
    writeBallot(head, at + OPERATION_ID_BYTES, operation.ballot);
    at += OPERATION_BYTES;
  }
  head.set(summary, at);
  if (copied) head.set(content, at + summary.length);
  return { head, tail: copied ? undefined : content, length };
}

export function encodePurge(key: Buffer, ballot: Ballot): EncodedEntry {
  checkLimit('key', key.length, KEY_BYTES_MAX);
  const head = Buffer.allocUnsafe(PURGE_HEADER_BYTES + key.length);
  writeEntryHeader(head, head.length, entryTypes.purge, 0, key.length);
  writeBallot(head, ENTRY_HEADER_BYTES, ballot);
  head.set(key, PURGE_HEADER_BYTES);
  return { head, tail: undefined, length: head.length };
}

export function encodeCeiling(clock: number): EncodedEntry {
  const head = Buffer.allocUnsafe(CEILING_BYTES);
  writeEntryHeader(head, CEILING_BYTES, entryTypes.ceiling, 0, 0);
  writeClock(head, ENTRY_HEADER_BYTES, clock);
  return { head, tail: undefined, length: CEILING_BYTES };
}

/** The same entry for another place: its bytes are copied. */
export function copyEntry(bytes: Buffer): EncodedEntry {
  return { head: Buffer.from(bytes), tail: undefined, length: bytes.length };
}

/** Fills in what the entry's place decides; the entry is then ready to be written there, and only there. */
export function placeEntry(entry: EncodedEntry, segment: number, offset: number, groupOffset: number): void {
  const { head, tail } = entry;
  head.writeUInt32BE(groupOffset, 12);
  const start = crc32c(head.subarray(8), checksumStart(segment, offset));
  head.writeUInt32BE(tail ? crc32c(tail, start) : start, 4);
}

/** The length of the entry at `at`, or 0 when no header that could be one stands there. Needs 20 bytes. */
export function entryLengthAt(bytes: Buffer, at: number): number {
  if (bytes.readUInt32BE(at) !== ENTRY_MARKER_NUMBER) return 0;
  const length = bytes.readUInt32BE(at + 8);
  if (length < ENTRY_BYTES_MIN || length > ENTRY_BYTES_MAX) return 0;
  const type = bytes[at + 16] ?? 0;
  return type >= entryTypes.record && type <= entryTypes.ceiling ? length : 0;
}

/** Whether `entry`, a whole entry's bytes, is what was written at that place. */
export function isEntryIntact(entry: Buffer, segment: number, offset: number): boolean {
  return (
    entryLengthAt(entry, 0) === entry.length &&
    crc32c(entry.subarray(8), checksumStart(segment, offset)) === entry.readUInt32BE(4)
  );
}

function checksumStart(segment: number, offset: number): number {
  return (Math.imul(segment, 0x9e3779b1) + offset) >>> 0;
}

export function entryType(entry: Buffer): EntryType | undefined {
  const type = entry[16];
  return type === 1 || type === 2 || type === 3 ? type : undefined;
}

export function entryGroup(entry: Buffer): number {
  return entry.readUInt32BE(12);
}

export function entryKey(entry: Buffer): Buffer {
  const start = entry[16] === entryTypes.record ? RECORD_HEADER_BYTES : PURGE_HEADER_BYTES;
  return entry.subarray(start, start + entry.readUInt16BE(18));
}

export function entryBallot(entry: Buffer): Ballot {
  return readBallot(entry, 20);
}

export function isEntryLive(entry: Buffer): boolean {
  return ((entry[17] ?? 0) & LIVE_FLAG) !== 0;
}

export function entryCounted(entry: Buffer): Counted {
  return { objects: entry[49] ?? 0, bytes: entry.readUIntBE(56, 6) };
}

export function entrySummary(entry: Buffer): Buffer {
  const start = summaryStart(entry);
  return entry.subarray(start, start + entry.readUInt16BE(50));
}

function summaryStart(entry: Buffer): number {
  return RECORD_HEADER_BYTES + entry.readUInt16BE(18) + (entry[48] ?? 0) * OPERATION_BYTES;
}

export function ceilingClock(entry: Buffer): number {
  return readClock(entry, ENTRY_HEADER_BYTES);
}

/** The state in an intact record entry; its buffers are views of `entry`. */
export function decodeState(entry: Buffer): AcceptedState {
  const operations = entry[48] ?? 0;
  const history: AppliedOperation[] = [];
  let at = RECORD_HEADER_BYTES + entry.readUInt16BE(18);
  for (let count = 0; count < operations; count += 1) {
    const id = entry.toString('hex', at, at + OPERATION_ID_BYTES);
    history.push({ id, ballot: readBallot(entry, at + OPERATION_ID_BYTES) });
    at += OPERATION_BYTES;
  }
  const contentAt = at + entry.readUInt16BE(50);
  return {
    ballot: readBallot(entry, 20),
    horizon: readBallot(entry, 34),
    counted: entryCounted(entry),
    history,
    live: isEntryLive(entry),
    summary: entry.subarray(at, contentAt),
    content: entry.subarray(contentAt, contentAt + entry.readUInt32BE(52)),
  };
}

function writeEntryHeader(
  head: Buffer,
  length: number,
  type: EntryType,
  flags: number,
  keyBytes: number,
): void {
  head.writeUInt32BE(ENTRY_MARKER_NUMBER, 0);
  head.writeUInt32BE(length, 8);
  head[16] = type;
  head[17] = flags;
  head.writeUInt16BE(keyBytes, 18);
}

function checkLimit(what: string, found: number, max: number): void {
  if (found > max)
    throw new HoldfastError('invalid-argument', `a record's ${what} has at most ${max}, not ${found}`);
}

export function writeClock(into: Buffer, offset: number, clock: number): void {
  into.writeUInt32BE(Math.floor(clock / 0x1_0000_0000), offset);
  into.writeUInt32BE(clock % 0x1_0000_0000, offset + 4);
}

export function readClock(from: Buffer, offset: number): number {
  return from.readUInt32BE(offset) * 0x1_0000_0000 + from.readUInt32BE(offset + 4);
}
