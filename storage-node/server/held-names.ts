/** What a device holds, by the names that the ring places by; and how it drops some of it. */
import { SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import { blobId } from '#common/ids.ts';
import type { DeviceEngine } from '../engine/device-engine.ts';
import type { Held, HeldKind, Names } from '../protocol/messages/held.ts';

/** Sorts behind every shard. */
const LAST_SHARD = Buffer.alloc(SHARD_PREFIX_BYTES, 0xff);
/** Rows dropped for one request: it asks again. */
const DROP_ROWS_MAX = 500;

export async function listHeld(engine: DeviceEngine, { kind, after, limit }: Held): Promise<Names> {
  if (kind === 'shards') return await heldShards(engine, after, limit);
  const behind = after === undefined ? undefined : blobId(after.toString('hex'));
  const ids = await engine.blobIds(behind, limit);
  return { type: 'names', names: ids.map((id) => Buffer.from(id, 'hex')), more: ids.length === limit };
}

/** A look at the index for each shard: its rows are skipped. */
async function heldShards(engine: DeviceEngine, after: Buffer | undefined, limit: number): Promise<Names> {
  const names: Buffer[] = [];
  let from = after === undefined ? Buffer.alloc(0) : behindShard(after);
  while (names.length < limit) {
    const [row] = await engine.rows({ from, to: LAST_SHARD, limit: 1 });
    if (row === undefined) return { type: 'names', names, more: false };
    const shard = Buffer.from(row.key.subarray(0, SHARD_PREFIX_BYTES));
    names.push(shard);
    from = behindShard(shard);
  }
  return { type: 'names', names, more: true };
}

/** The first bytes that sort behind every key of the shard. */
function behindShard(shard: Buffer): Buffer {
  const next = Buffer.from(shard);
  for (let at = next.length - 1; at >= 0; at -= 1) {
    next[at] = ((next[at] as number) + 1) & 0xff;
    if (next[at] !== 0) return next;
  }
  return Buffer.alloc(SHARD_PREFIX_BYTES + 1, 0xff);
}

/** Drops what these names stand for, some of it at a time. Resolves to whether more is left. */
export async function dropHeld(
  engine: DeviceEngine,
  kind: HeldKind,
  names: readonly Buffer[],
): Promise<boolean> {
  if (kind === 'blobs') {
    for (const name of names) await engine.deleteBlob(blobId(name.toString('hex')));
    return false;
  }
  let left = DROP_ROWS_MAX;
  for (const shard of names) {
    const rows = await engine.rows({ from: shard, to: behindShard(shard), limit: left });
    await Promise.all(rows.map(({ key, ballot }) => engine.dropRecord(key, ballot)));
    left -= rows.length;
    if (left === 0) return true;
  }
  return false;
}
