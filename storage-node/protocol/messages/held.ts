/**
 * HELD: what (1: 0 shards of records, 1 blobs), after (2 + n: a name, or nothing for the first), limit (2). The names of what one device
 * holds, in their order, whatever partition they are of: a shard's 19 bytes, a blob's id. They are what the ring places by.
 * Answered by NAMES: more (1), bytes of a name (1), count (2), and so many names.
 */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import { HEADER_BYTES, frameTypes } from '../frame.ts';
import { type EncodedMessage, smallMessage } from './message.ts';

export const HELD_NAMES_MAX = 20_000;
const BLOB_ID_BYTES = 16;

export type HeldKind = 'shards' | 'blobs';

export interface Held {
  readonly type: 'held';
  readonly kind: HeldKind;
  readonly after: Buffer | undefined;
  readonly limit: number;
}

export interface Names {
  readonly type: 'names';
  readonly names: readonly Buffer[];
  readonly more: boolean;
}

export function heldNameBytes(kind: HeldKind): number {
  return kind === 'shards' ? SHARD_PREFIX_BYTES : BLOB_ID_BYTES;
}

export function encodeHeld({ kind, after, limit }: Held): EncodedMessage {
  const name = after ?? Buffer.alloc(0);
  return smallMessage(frameTypes.held, 1 + 2 + name.length + 2, (into) =>
    into
      .u8(kind === 'shards' ? 0 : 1)
      .short(name)
      .u16(limit),
  );
}

export function decodeHeld(payload: Buffer): Held {
  const from = new ByteReader(payload, 'protocol-violation');
  const kind = from.flag() ? 'blobs' : 'shards';
  const name = from.short(heldNameBytes(kind));
  if (name.length !== 0 && name.length !== heldNameBytes(kind))
    throw from.violation(`a name of ${name.length} bytes`);
  const limit = from.u16();
  if (limit < 1 || limit > HELD_NAMES_MAX) throw from.violation(`a limit of ${limit} names`);
  from.end();
  return { type: 'held', kind, after: name.length === 0 ? undefined : name, limit };
}

export function encodeNames({ names, more }: Names): EncodedMessage {
  const each = names[0]?.length ?? 0;
  const into = new ByteWriter(4 + each * names.length, HEADER_BYTES);
  into
    .u8(more ? 1 : 0)
    .u8(each)
    .u16(names.length);
  for (const name of names) into.raw(name);
  return { type: frameTypes.names, head: into.done(), rest: [] };
}

export function decodeNames(payload: Buffer): Names {
  const from = new ByteReader(payload, 'protocol-violation');
  const more = from.flag();
  const each = from.u8();
  const count = from.u16();
  if (count > HELD_NAMES_MAX) throw from.violation(`${count} names`);
  const names = Array.from({ length: count }, () => from.raw(each));
  from.end();
  return { type: 'names', names, more };
}
