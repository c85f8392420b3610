/** What a device holds of some partitions: shards of records, and blobs. */
import { type BlobId, type DeviceId, blobId } from '#common/ids.ts';
import { type HeldKind, encodeHeld } from '#storage-node/protocol/messages/held.ts';
import type { ClusterContext } from '../context.ts';
import { askNode } from './ask-node.ts';

const NAMES_PER_PAGE = 10_000;

export interface Inventory {
  shards(partition: number): readonly Buffer[];
  blobs(partition: number): readonly BlobId[];
}

/** Goes through all names that the device has. Throws what it answers. */
export async function takeInventory(
  context: ClusterContext,
  device: DeviceId,
  partitions: ReadonlySet<number>,
): Promise<Inventory> {
  const shards = await namesByPartition(context, device, 'shards', partitions);
  const blobs = await namesByPartition(context, device, 'blobs', partitions);
  return {
    shards: (partition) => shards.get(partition) ?? [],
    blobs: (partition) => (blobs.get(partition) ?? []).map((name) => blobId(name.toString('hex'))),
  };
}

async function namesByPartition(
  context: ClusterContext,
  device: DeviceId,
  kind: HeldKind,
  partitions: ReadonlySet<number>,
): Promise<Map<number, Buffer[]>> {
  const found = new Map<number, Buffer[]>();
  let after: Buffer | undefined;
  for (;;) {
    const message = encodeHeld({ type: 'held', kind, after, limit: NAMES_PER_PAGE });
    const page = await askNode(context, device, message, 'names');
    for (const name of page.names) {
      const partition = context.ring.partitionOfHigh(context.placement(name));
      if (!partitions.has(partition)) continue;
      const others = found.get(partition);
      if (others === undefined) found.set(partition, [name]);
      else others.push(name);
    }
    after = page.names.at(-1);
    if (!page.more || after === undefined) return found;
  }
}
