/** Lets a device that has left a partition drop what it has of it. */
import type { DeviceId } from '#common/ids.ts';
import { DROP_NAMES_MAX, encodeDrop } from '#storage-node/protocol/messages/copy.ts';
import type { HeldKind } from '#storage-node/protocol/messages/held.ts';
import { askNode } from './ask-node.ts';
import { type CopyContext } from './copy-records.ts';
import type { Inventory } from './inventory.ts';
import { routeOf } from './partition-copy.ts';

/** Whether nothing of it is left, and nothing of it is on its way any more. Throws what the device answers. */
export async function dropPartition(
  context: CopyContext,
  partition: number,
  device: DeviceId,
  inventory: Inventory,
): Promise<boolean> {
  const blobs = inventory.blobs(partition).map((id) => Buffer.from(id, 'hex'));
  const shardsGone = await dropNames(context, partition, device, 'shards', inventory.shards(partition));
  const blobsGone = await dropNames(context, partition, device, 'blobs', blobs);
  return shardsGone && blobsGone;
}

async function dropNames(
  context: CopyContext,
  partition: number,
  device: DeviceId,
  kind: HeldKind,
  names: readonly Buffer[],
): Promise<boolean> {
  const route = routeOf(context, partition);
  let left = false;
  // Once without names too: what is on its way has no name yet.
  for (let at = 0; at === 0 || at < names.length; at += DROP_NAMES_MAX) {
    const some = names.slice(at, at + DROP_NAMES_MAX);
    const message = encodeDrop({ type: 'drop', route, kind, names: some });
    left = (await askNode(context.cluster, device, message, 'dropped')).more || left;
  }
  return !left;
}
