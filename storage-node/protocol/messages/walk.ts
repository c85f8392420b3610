/**
 * WALK: from (2 + n), clock (8), kinds (2 + n: a byte each). Goes through a device's rows in order of keys, whatever partition they are of,
 * for those with a ballot's clock below `clock` that are tombstones, or of one of the kinds.
 * Answered by WALKED: next (2 + n: where to go on, nothing at the end), count (2), and count times live (1), ballot (14), key (2 + n).
 */
import { BALLOT_BYTES, type Ballot } from '#common/ballot.ts';
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { HEADER_BYTES, frameTypes } from '../frame.ts';
import { type EncodedMessage, KEY_BYTES_MAX, readKey, smallMessage } from './message.ts';

const KINDS_MAX = 16;
/** Most rows of an answer. */
export const WALK_FOUND_MAX = 200;

export interface Walk {
  readonly type: 'walk';
  /** A key, or any bytes that sort like one. */
  readonly from: Buffer;
  readonly clock: number;
  readonly kinds: readonly number[];
}

export interface WalkedRow {
  readonly live: boolean;
  readonly ballot: Ballot;
  readonly key: RecordKey;
}

export interface Walked {
  readonly type: 'walked';
  readonly rows: readonly WalkedRow[];
  readonly next: Buffer | undefined;
}

export function encodeWalk({ from, clock, kinds }: Walk): EncodedMessage {
  return smallMessage(frameTypes.walk, 2 + from.length + 8 + 2 + kinds.length, (into) =>
    into.short(from).u64(clock).short(Buffer.from(kinds)),
  );
}

export function decodeWalk(payload: Buffer): Walk {
  const from = new ByteReader(payload, 'protocol-violation');
  const start = from.short(KEY_BYTES_MAX + 1);
  const clock = from.u64();
  const kinds = [...from.short(KINDS_MAX)];
  from.end();
  return { type: 'walk', from: start, clock, kinds };
}

export function encodeWalked({ rows, next }: Walked): EncodedMessage {
  const behind = next ?? Buffer.alloc(0);
  let bytes = 2 + behind.length + 2;
  for (const { key } of rows) bytes += 1 + BALLOT_BYTES + 2 + key.length;
  const into = new ByteWriter(bytes, HEADER_BYTES).short(behind).u16(rows.length);
  for (const { live, ballot, key } of rows) {
    into
      .u8(live ? 1 : 0)
      .ballot(ballot)
      .short(key);
  }
  return { type: frameTypes.walked, head: into.done(), rest: [] };
}

export function decodeWalked(payload: Buffer): Walked {
  const from = new ByteReader(payload, 'protocol-violation');
  const next = from.short(KEY_BYTES_MAX + 1);
  const count = from.u16();
  if (count > WALK_FOUND_MAX) throw from.violation(`${count} rows`);
  const rows = Array.from({ length: count }, () => ({
    live: from.flag(),
    ballot: from.ballot(),
    key: readKey(from),
  }));
  from.end();
  return { type: 'walked', rows, next: next.length === 0 ? undefined : next };
}
