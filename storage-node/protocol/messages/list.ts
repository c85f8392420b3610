/**
 * LIST: route, limit (4), from (2 + n), to (2 + n), fold offset (2), delimiter (2 + n).
 * Answered by ROWS: more (1), count (4), and count times a row:
 *   flags (1: bit 0 live, bit 1 folded), name (2 + n), ballot (14), summary (2 + n), and when folded witness (2 + n).
 *
 * `from` and `to` are keys of one shard (`to` excluded). A name that holds the delimiter at or behind the fold offset,
 * counted in the name's bytes, stands for all names up to and with its first delimiter there.
 */
import { BALLOT_BYTES, type Ballot } from '#common/ballot.ts';
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { NAME_BYTES_MAX } from '#common/codec/record-key.ts';
import { HEADER_BYTES, frameTypes } from '../frame.ts';
import {
  type EncodedMessage,
  KEY_BYTES_MAX,
  ROUTE_BYTES,
  type Route,
  SUMMARY_BYTES_MAX,
  readRoute,
  smallMessage,
  writeRoute,
} from './message.ts';

export const LIST_ROWS_MAX = 10_000;
/** Rows are cut here, so that the answer fits a frame with the largest row still to come. */
export const LIST_BYTES_MAX = 900 << 10;

export interface List {
  readonly type: 'list';
  readonly route: Route;
  readonly limit: number;
  readonly from: Buffer;
  readonly to: Buffer;
  readonly foldOffset: number;
  /** Empty for no folding. */
  readonly delimiter: Buffer;
}

export interface ListedRow {
  /** The key's bytes behind the shard; for a folded row, the prefix up to and with the delimiter. */
  readonly name: Buffer;
  readonly live: boolean;
  readonly ballot: Ballot;
  readonly summary: Buffer;
  /**
   * The first live name under a folded prefix; the ballot is its. When none lives: the first tombstone, and the summary
   * is a digest of all of them.
   */
  readonly witness: Buffer | undefined;
}

export interface Rows {
  readonly type: 'rows';
  readonly rows: readonly ListedRow[];
  /** Whether the range holds more behind the last row. */
  readonly more: boolean;
}

export function listedRowBytes(row: ListedRow): number {
  const witnessBytes = row.witness === undefined ? 0 : 2 + row.witness.length;
  return 1 + 2 + row.name.length + BALLOT_BYTES + 2 + row.summary.length + witnessBytes;
}

export function encodeList(message: List): EncodedMessage {
  const bytes =
    ROUTE_BYTES + 4 + 2 + message.from.length + 2 + message.to.length + 2 + 2 + message.delimiter.length;
  return smallMessage(frameTypes.list, bytes, (into) =>
    writeRoute(into, message.route)
      .u32(message.limit)
      .short(message.from)
      .short(message.to)
      .u16(message.foldOffset)
      .short(message.delimiter),
  );
}

export function decodeList(payload: Buffer): List {
  const from = new ByteReader(payload, 'protocol-violation');
  const route = readRoute(from);
  const limit = from.u32();
  if (limit < 1 || limit > LIST_ROWS_MAX) throw from.violation(`a limit of ${limit} rows`);
  const first = from.short(KEY_BYTES_MAX + 1);
  const to = from.short(KEY_BYTES_MAX + 1);
  const foldOffset = from.u16();
  const delimiter = from.short(NAME_BYTES_MAX);
  from.end();
  return { type: 'list', route, limit, from: first, to, foldOffset, delimiter };
}

export function encodeRows(message: Rows): EncodedMessage {
  let bytes = 5;
  for (const row of message.rows) bytes += listedRowBytes(row);
  const into = new ByteWriter(bytes, HEADER_BYTES).u8(message.more ? 1 : 0).u32(message.rows.length);
  for (const row of message.rows) {
    into
      .u8((row.live ? 1 : 0) | (row.witness === undefined ? 0 : 2))
      .short(row.name)
      .ballot(row.ballot)
      .short(row.summary);
    if (row.witness !== undefined) into.short(row.witness);
  }
  return { type: frameTypes.rows, head: into.done(), rest: [] };
}

export function decodeRows(payload: Buffer): Rows {
  const from = new ByteReader(payload, 'protocol-violation');
  const more = from.flag();
  const count = from.u32();
  if (count > LIST_ROWS_MAX) throw from.violation(`${count} rows`);
  const rows: ListedRow[] = [];
  for (let index = 0; index < count; index += 1) rows.push(readRow(from));
  from.end();
  return { type: 'rows', rows, more };
}

function readRow(from: ByteReader): ListedRow {
  const flags = from.u8();
  if (flags > 3) throw from.violation(`a row with flags ${flags}`);
  const name = from.short(NAME_BYTES_MAX);
  const ballot = from.ballot();
  const summary = from.short(SUMMARY_BYTES_MAX);
  const witness = (flags & 2) === 0 ? undefined : from.short(NAME_BYTES_MAX);
  return { name, live: (flags & 1) === 1, ballot, summary, witness };
}
