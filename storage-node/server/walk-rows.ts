/** What the upkeep of a cluster looks for in a device: old tombstones, rows of some kinds, and blobs. */
import { SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import type { DeviceEngine } from '../engine/device-engine.ts';
import {
  type Blobs,
  LIST_BLOBS_BYTES_MAX,
  type ListBlobs,
  listedBlobBytes,
} from '../protocol/messages/list-blobs.ts';
import { WALK_FOUND_MAX, type Walk, type Walked, type WalkedRow } from '../protocol/messages/walk.ts';

/** Rows looked at for one answer; a walk is background work and asks again. */
const WALK_ROWS_MAX = 2000;
const KIND_AT = 16;
/** Sorts behind every key. */
const END = Buffer.alloc(SHARD_PREFIX_BYTES + 1, 0xff);

export async function walkRows(engine: DeviceEngine, walk: Walk): Promise<Walked> {
  const found: WalkedRow[] = [];
  const batch = await engine.rows({ from: walk.from, to: END, limit: WALK_ROWS_MAX });
  for (const { key, live, ballot } of batch) {
    const wanted = !live || walk.kinds.includes(key[KIND_AT] ?? 0);
    if (!wanted || ballot.clock >= walk.clock) continue;
    if (found.length === WALK_FOUND_MAX) return { type: 'walked', rows: found, next: key };
    found.push({ live, ballot, key });
  }
  const last = batch.length < WALK_ROWS_MAX ? undefined : batch.at(-1);
  return { type: 'walked', rows: found, next: last && Buffer.concat([last.key, Buffer.of(0)]) };
}

export async function listBlobs(engine: DeviceEngine, { after, limit }: ListBlobs): Promise<Blobs> {
  const found = await engine.listBlobs(after, limit);
  let bytes = 0;
  const fits = found.findIndex((blob) => {
    bytes += listedBlobBytes(blob);
    return bytes > LIST_BLOBS_BYTES_MAX;
  });
  if (fits < 0) return { type: 'blobs', blobs: found, more: found.length === limit };
  return { type: 'blobs', blobs: found.slice(0, fits), more: true };
}
