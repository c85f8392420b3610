/** What an operator asks of a ring: are the replicas as far apart as they could be, and does each device have its share. */
import type { DeviceId } from '#common/ids.ts';
import { NO_DEVICE } from './limits.ts';
import {
  buildFailureTree,
  DEVICE_TIER,
  type FailureTree,
  PATH_LENGTH,
  type TierName,
  tierNames,
} from './placement/failure-tree.ts';
import { weightShares } from './placement/plan.ts';
import type { RingDevice } from './ring.ts';

export interface DeviceBalance {
  readonly id: DeviceId;
  /** Replicas that it holds. */
  readonly replicas: number;
  /** Replicas that are its share by weight (at most one of each partition). */
  readonly share: number;
  /** replicas / share − 1; Infinity where something is held without a share, 0 where nothing is. */
  readonly deviation: number;
}

export interface DispersionReport {
  readonly partitions: number;
  /**
   * For each tier the share (0 … 1) of partitions with replicas that are together there although, with the devices that
   * there are and the outer tiers as they lie, they need not be. Weights are not asked: overload is the remedy.
   */
  readonly together: Readonly<Record<TierName, number>>;
  /** Replicas without a device. */
  readonly missing: number;
  readonly devices: readonly DeviceBalance[];
  /** The greatest deviation of a device from its share, regardless of sign. */
  readonly worstDeviation: number;
}

/** @param rows device ids; ids of devices that are gone count as missing. */
export function reportDispersion(
  devices: readonly RingDevice[],
  rows: readonly Uint16Array[],
  partitions: number,
): DispersionReport {
  const tree = buildFailureTree(devices);
  const leaves = rows.map((row) =>
    row.map((id) => (id === NO_DEVICE ? NO_DEVICE : (tree.leafOfDevice[id] as number))),
  );
  const slots = rows.reduce((sum, row) => sum + row.length, 0);
  const placed = leaves.reduce(
    (sum, row) => sum + row.reduce((n, leaf) => n + (leaf === NO_DEVICE ? 0 : 1), 0),
    0,
  );
  const balances = deviceBalances(tree, leaves, slots / partitions, partitions);
  return {
    partitions,
    together: sharesTogether(tree, leaves, partitions),
    missing: slots - placed,
    devices: balances,
    worstDeviation: balances.reduce((worst, { deviation }) => Math.max(worst, Math.abs(deviation)), 0),
  };
}

function deviceBalances(
  tree: FailureTree,
  leaves: readonly Uint16Array[],
  replicas: number,
  partitions: number,
): DeviceBalance[] {
  const held = new Int32Array(NO_DEVICE + 1);
  for (const row of leaves) for (const leaf of row) held[leaf] = (held[leaf] as number) + 1;
  const shares = weightShares(tree, Math.min(replicas, tree.activeDevices[0] as number));
  return tree.devices
    .map(({ id }, leaf) => {
      const share = (shares[tree.firstDeviceNode + leaf] as number) * partitions;
      const count = held[leaf] as number;
      const deviation = share > 0 ? count / share - 1 : count > 0 ? Number.POSITIVE_INFINITY : 0;
      return { id, replicas: count, share, deviation };
    })
    .toSorted((a, b) => a.id - b.id);
}

function sharesTogether(
  tree: FailureTree,
  leaves: readonly Uint16Array[],
  partitions: number,
): Record<TierName, number> {
  const counts = new Int32Array(tree.nodeCount);
  const totals = new Float64Array(PATH_LENGTH);
  const known = new Map<string, Division>();
  for (let partition = 0; partition < partitions; partition++) {
    const members = leaves.map((row) => row[partition] ?? NO_DEVICE).filter((leaf) => leaf !== NO_DEVICE);
    const nodes = countNodes(tree, members, counts);
    for (let tier = 1; tier <= DEVICE_TIER; tier++) {
      const parents = nodes[tier - 1] as ReadonlySet<number>;
      const bad = [...parents].some((parent) => !isDivided(tree, parent, counts, known));
      if (bad) totals[tier] = (totals[tier] as number) + 1;
    }
    for (const tier of nodes) for (const node of tier) counts[node] = 0;
  }
  const entries = tierNames.map((name, i) => [name, (totals[i + 1] as number) / partitions] as const);
  return Object.fromEntries(entries) as Record<TierName, number>;
}

/** Counts the members under every node above them; returns the nodes by tier. */
function countNodes(tree: FailureTree, members: readonly number[], counts: Int32Array): Set<number>[] {
  return Array.from({ length: PATH_LENGTH }, (_, tier) => {
    const nodes = new Set<number>();
    for (const leaf of members) {
      const node = tree.path[leaf * PATH_LENGTH + tier] as number;
      counts[node] = (counts[node] as number) + 1;
      nodes.add(node);
    }
    return nodes;
  });
}

/** The best that can be done with some replicas under a node: the most in one child, and the children that get any. */
interface Division {
  readonly most: number;
  readonly used: number;
}

function isDivided(
  tree: FailureTree,
  parent: number,
  counts: Int32Array,
  known: Map<string, Division>,
): boolean {
  const total = counts[parent] as number;
  if (total < 2) return true;
  const key = `${parent}/${total}`;
  const best = known.get(key) ?? bestDivision(tree, parent, total);
  known.set(key, best);
  const first = tree.firstChild[parent] as number;
  let used = 0;
  for (let child = first; child < first + (tree.childCount[parent] as number); child++) {
    const count = counts[child] as number;
    if (count > best.most) return false;
    if (count > 0) used++;
  }
  return used >= best.used;
}

function bestDivision(tree: FailureTree, parent: number, total: number): Division {
  const first = tree.firstChild[parent] as number;
  const room = tree.activeDevices.subarray(first, first + (tree.childCount[parent] as number));
  const roomBelow = (level: number): number =>
    room.reduce((sum, devices) => sum + Math.min(devices, level), 0);
  let most = 1;
  while (roomBelow(most) < total && most < total) most++;
  return { most, used: Math.min(total, roomBelow(1)) };
}
