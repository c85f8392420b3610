/**
 * The order in which other devices stand in for a partition's members: each next one under the nodes of the failure
 * tree that have the fewest members and stand-ins so far, outermost tier first. Among equals the partition decides
 * (rendezvous hashing, weighted), so that what a lost device held is spread over all others by weight.
 */
import type { DeviceId } from '#common/ids.ts';
import { DEVICE_TIER, type FailureTree, PATH_LENGTH } from './placement/failure-tree.ts';
import { mixBits } from './seeded-random.ts';

/** Gives each device that is no member once; those with weight 0, which are being drained, last and in order of place. */
export function* handoffOrder(
  tree: FailureTree,
  partition: number,
  members: readonly DeviceId[],
): Generator<DeviceId, void, undefined> {
  const used = new Int32Array(tree.nodeCount);
  const free = Int32Array.from(tree.activeDevices);
  const take = (leaf: number): void => {
    const active = (tree.devices[leaf]?.weight ?? 0) > 0 ? 1 : 0;
    for (let tier = 0; tier <= DEVICE_TIER; tier++) {
      const node = tree.path[leaf * PATH_LENGTH + tier] as number;
      used[node] = (used[node] as number) + 1;
      free[node] = (free[node] as number) - active;
    }
  };
  for (const member of members) take(tree.leafOfDevice[member] as number);
  while ((free[0] as number) > 0) {
    let node = 0;
    while (node < tree.firstDeviceNode) node = leastUsedChild(tree, partition, node, used, free);
    const leaf = node - tree.firstDeviceNode;
    take(leaf);
    yield (tree.devices[leaf] as { id: DeviceId }).id;
  }
  for (const { id, weight } of tree.devices) if (weight <= 0 && !members.includes(id)) yield id;
}

function leastUsedChild(
  tree: FailureTree,
  partition: number,
  parent: number,
  used: Int32Array,
  free: Int32Array,
): number {
  const first = tree.firstChild[parent] as number;
  let best = -1;
  let bestUsed = 0;
  let bestDraw = 0;
  for (let child = first; child < first + (tree.childCount[parent] as number); child++) {
    if ((free[child] as number) <= 0) continue;
    const count = used[child] as number;
    if (best >= 0 && count > bestUsed) continue;
    const draw = drawOf(tree, partition, child);
    if (best >= 0 && count === bestUsed && draw >= bestDraw) continue;
    best = child;
    bestUsed = count;
    bestDraw = draw;
  }
  return best;
}

/** An exponential draw whose rate is the node's size: the lowest wins in proportion to it. */
function drawOf(tree: FailureTree, partition: number, node: number): number {
  const uniform = (mixBits(partition, node) + 1) / 0x1_0000_0001;
  const leaf = node - tree.firstDeviceNode;
  const size = leaf < 0 ? (tree.activeDevices[node] as number) : (tree.devices[leaf]?.weight ?? 0);
  return -Math.log(uniform) / size;
}
