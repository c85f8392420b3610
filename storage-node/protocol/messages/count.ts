/**
 * COUNT: count (2), and count times route (8) and shard (19): the sums of shards that one device keeps.
 * Answered by COUNTS: count (2), and in the same order objects (8), bytes (8), digest (8).
 */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import { HEADER_BYTES, frameTypes } from '../frame.ts';
import {
  type EncodedMessage,
  ROUTE_BYTES,
  type Route,
  readRoute,
  smallMessage,
  writeRoute,
} from './message.ts';

export const COUNT_SHARDS_MAX = 1024;
const SUMS_BYTES = 24;

export interface CountedShard {
  readonly route: Route;
  /** The 19 bytes that every key of the shard begins with. */
  readonly shard: Buffer;
}

export interface Count {
  readonly type: 'count';
  readonly shards: readonly CountedShard[];
}

/** docs/formats/index.md, "Sums". */
export interface SumsOfShard {
  readonly objects: number;
  readonly bytes: number;
  /** 64 bits. */
  readonly digest: bigint;
}

export interface Counts {
  readonly type: 'counts';
  readonly sums: readonly SumsOfShard[];
}

export function encodeCount({ shards }: Count): EncodedMessage {
  const bytes = 2 + shards.length * (ROUTE_BYTES + SHARD_PREFIX_BYTES);
  return smallMessage(frameTypes.count, bytes, (into) => {
    into.u16(shards.length);
    for (const { route, shard } of shards) writeRoute(into, route).raw(shard);
    return into;
  });
}

export function decodeCount(payload: Buffer): Count {
  const from = new ByteReader(payload, 'protocol-violation');
  const shards = readMany(from, () => ({ route: readRoute(from), shard: from.raw(SHARD_PREFIX_BYTES) }));
  from.end();
  return { type: 'count', shards };
}

export function encodeCounts({ sums }: Counts): EncodedMessage {
  const into = new ByteWriter(2 + sums.length * SUMS_BYTES, HEADER_BYTES).u16(sums.length);
  for (const { objects, bytes, digest } of sums) {
    into.u64(objects).u64(bytes);
    into.u32(Number(digest >> 32n)).u32(Number(digest & 0xffff_ffffn));
  }
  return { type: frameTypes.counts, head: into.done(), rest: [] };
}

export function decodeCounts(payload: Buffer): Counts {
  const from = new ByteReader(payload, 'protocol-violation');
  const sums = readMany(from, () => {
    const objects = from.u64();
    const bytes = from.u64();
    return { objects, bytes, digest: (BigInt(from.u32()) << 32n) | BigInt(from.u32()) };
  });
  from.end();
  return { type: 'counts', sums };
}

function readMany<Item>(from: ByteReader, read: () => Item): Item[] {
  const count = from.u16();
  if (count > COUNT_SHARDS_MAX) throw from.violation(`${count} shards`);
  return Array.from({ length: count }, read);
}
