/** The copy of a partition to the device that is to have it: first while it is no voter yet, then while it joins. */
import { HoldfastError } from '#common/errors.ts';
import type { BlobId, DeviceId } from '#common/ids.ts';
import { type CopyReady, encodeCopyBegin, encodeTakeFloor } from '#storage-node/protocol/messages/copy.ts';
import type { Route } from '#storage-node/protocol/messages/message.ts';
import { majorityOf } from '../register/quorum.ts';
import { askNode } from './ask-node.ts';
import { type CopiedBlobs, copyBlobs } from './copy-blobs.ts';
import { type CopiedRecords, type CopyContext, type CopyPath, copyRecords } from './copy-records.ts';
import type { Inventory } from './inventory.ts';

export interface Source extends CopyReady {
  readonly device: DeviceId;
}

/** Inventories of devices, taken when they are first asked for. */
export type Inventories = (device: DeviceId) => Promise<Inventory>;

export interface CopyTask {
  readonly partition: number;
  readonly target: DeviceId;
  /** Whether the target joins in the ring that the cluster has. */
  readonly isJoint: boolean;
}

/**
 * A majority of the members that have the present epoch and are done with earlier ones. While the target joins, it has taken the bound
 * of all of them as its floor before this resolves. Throws `quorum-unavailable`, and what devices answer.
 */
export async function openSources(context: CopyContext, task: CopyTask): Promise<readonly Source[]> {
  const { cluster } = context;
  const route = routeOf(context, task.partition);
  const members = cluster.ring.members(task.partition);
  const message = (): ReturnType<typeof encodeCopyBegin> => encodeCopyBegin({ type: 'copyBegin', route });
  const answers = await Promise.allSettled(
    members.map(async (device) => ({ ...(await askNode(cluster, device, message(), 'copyReady')), device })),
  );
  const ready = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const majority = majorityOf(members.length);
  if (ready.length < majority) {
    const cause = answers.find((answer) => answer.status === 'rejected')?.reason as unknown;
    throw new HoldfastError('quorum-unavailable', `partition ${task.partition} has no majority`, { cause });
  }
  // Those on which least is still under way.
  const sources = ready.toSorted((a, b) => a.uploads - b.uploads).slice(0, majority);
  if (task.isJoint) {
    const clock = Math.max(...sources.map(({ bound }) => bound));
    const floor = encodeTakeFloor({ type: 'takeFloor', route, clock });
    await askNode(cluster, task.target, floor, 'accepted');
  }
  return sources;
}

export function pathOf(context: CopyContext, task: CopyTask, sources: readonly Source[]): CopyPath {
  const { target, isJoint } = task;
  const route = routeOf(context, task.partition);
  return { route, target, isJoint, sources: sources.map(({ device }) => device) };
}

export async function copyPartitionRecords(
  context: CopyContext,
  task: CopyTask,
  path: CopyPath,
  inventories: Inventories,
): Promise<CopiedRecords> {
  const shards = new Map<string, Buffer>();
  for (const device of [...path.sources, path.target])
    for (const shard of (await inventories(device)).shards(task.partition))
      shards.set(shard.toString('latin1'), shard);
  return await copyRecords(context, path, [...shards.values()]);
}

export async function copyPartitionBlobs(
  context: CopyContext,
  task: CopyTask,
  path: CopyPath,
  inventories: Inventories,
): Promise<CopiedBlobs> {
  const there = new Set((await inventories(path.target)).blobs(task.partition));
  const missing = new Map<BlobId, DeviceId[]>();
  for (const device of path.sources) {
    for (const id of (await inventories(device)).blobs(task.partition)) {
      if (there.has(id)) continue;
      const others = missing.get(id);
      if (others === undefined) missing.set(id, [device]);
      else others.push(device);
    }
  }
  return await copyBlobs(context, path, missing);
}

export function routeOf({ cluster }: CopyContext, partition: number): Route {
  return { partition, epoch: cluster.ring.epoch(partition) };
}
