/**
 * How many replicas each node of the failure tree is to hold: first as real numbers per partition (the targets), then
 * as whole replicas over all partitions (the quotas), with what that means for one partition (least and most).
 *
 * A target starts from the weights. Between siblings it then moves towards an even division, as far as no device has
 * to take more than (1 + overload) times its share by weight: that is where dispersion may win over weight.
 */
import { type FailureTree, PATH_LENGTH } from './failure-tree.ts';
import { waterFill } from './water-fill.ts';

export interface Plan {
  /** Replicas of all partitions together, by node. */
  readonly quotas: Int32Array;
  /** Replicas of one partition, by node: its quota is met with every partition between these. */
  readonly least: Int32Array;
  readonly most: Int32Array;
}

/** Targets this close to a whole number are that number: sums of doubles must not ask for one replica more. */
const WHOLE_TOLERANCE = 1e-6;

/**
 * @param slots replicas to place over all partitions.
 * @param held what each node holds now: of two roundings the one nearer to it is taken, so that nothing moves for it.
 */
export function makePlan(
  tree: FailureTree,
  partitions: number,
  slots: number,
  overload: number,
  held: Int32Array,
): Plan {
  const replicas = Math.min(slots / partitions, tree.activeDevices[0] as number);
  const shares = weightShares(tree, replicas);
  const quotas = roundToQuotas(tree, partitions, targets(tree, shares, replicas, overload), held);
  return {
    quotas,
    least: quotas.map((quota) => Math.floor(quota / partitions)),
    most: quotas.map((quota) => Math.ceil(quota / partitions)),
  };
}

/** In proportion to the weights, but at most one replica of a partition on a device; summed up the tree. */
export function weightShares(tree: FailureTree, replicas: number): Float64Array {
  const parts = tree.devices.map(({ weight }) => ({ weight, least: 0, most: weight > 0 ? 1 : 0 }));
  return sumUp(tree, waterFill(parts, replicas));
}

function sumUp(tree: FailureTree, byLeaf: Float64Array): Float64Array {
  const sums = new Float64Array(tree.nodeCount);
  for (let leaf = 0; leaf < byLeaf.length; leaf++) {
    for (let tier = 0; tier < PATH_LENGTH; tier++) {
      const node = tree.path[leaf * PATH_LENGTH + tier] as number;
      sums[node] = (sums[node] as number) + (byLeaf[leaf] as number);
    }
  }
  return sums;
}

function targets(tree: FailureTree, shares: Float64Array, replicas: number, overload: number): Float64Array {
  const ceilings = sumUp(
    tree,
    Float64Array.from(tree.devices, (device, leaf) =>
      device.weight > 0 ? Math.min(1, (shares[tree.firstDeviceNode + leaf] as number) * (1 + overload)) : 0,
    ),
  );
  const result = new Float64Array(tree.nodeCount);
  result[0] = replicas;
  // A parent's number is below its children's, so it is settled before them.
  for (let node = 0; node < tree.firstDeviceNode; node++) {
    const first = tree.firstChild[node] as number;
    const count = tree.childCount[node] as number;
    if (count === 0) continue;
    const divided = divideEvenly(
      result[node] as number,
      shares.subarray(first, first + count),
      ceilings.subarray(first, first + count),
    );
    for (const [i, target] of divided.entries()) result[first + i] = snap(target);
  }
  return result;
}

/**
 * Divides `total` so that no child gets more replicas of one partition than it must: with the lowest whole level at
 * which the children can hold the total, each gets at least level − 1 and at most level (or its ceiling, when that is
 * lower); between the two the weights decide.
 */
function divideEvenly(total: number, shares: Float64Array, ceilings: Float64Array): Float64Array {
  let level = 1;
  while (
    sumBelow(ceilings, level) < total - WHOLE_TOLERANCE &&
    sumBelow(ceilings, level) < sumBelow(ceilings, level + 1)
  ) {
    level++;
  }
  const parts = Array.from(shares, (share, i) => {
    const ceiling = ceilings[i] as number;
    return { weight: share, least: Math.min(ceiling, level - 1), most: Math.min(ceiling, level) };
  });
  return waterFill(parts, total);
}

function sumBelow(ceilings: Float64Array, level: number): number {
  let sum = 0;
  for (const ceiling of ceilings) sum += Math.min(ceiling, level);
  return sum;
}

function snap(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) < WHOLE_TOLERANCE ? whole : value;
}

/** Whole replicas: every node gets its target rounded down or up, and siblings add up to their parent. */
function roundToQuotas(
  tree: FailureTree,
  partitions: number,
  target: Float64Array,
  held: Int32Array,
): Int32Array {
  const quotas = new Int32Array(tree.nodeCount);
  quotas[0] = Math.round((target[0] as number) * partitions);
  for (let node = 0; node < tree.firstDeviceNode; node++) {
    const first = tree.firstChild[node] as number;
    const end = first + (tree.childCount[node] as number);
    let missing = quotas[node] as number;
    const raisable: { child: number; remainder: number; holdsMore: boolean }[] = [];
    for (let child = first; child < end; child++) {
      const ideal = snap((target[child] as number) * partitions);
      const down = Math.floor(ideal);
      quotas[child] = down;
      missing -= down;
      // Quantised, so that equal weights tie in spite of the last bits of a double.
      const remainder = Math.round((ideal - down) / WHOLE_TOLERANCE);
      if (remainder > 0) raisable.push({ child, remainder, holdsMore: (held[child] as number) > down });
    }
    raisable.sort(
      (a, b) => Number(b.holdsMore) - Number(a.holdsMore) || b.remainder - a.remainder || a.child - b.child,
    );
    for (const { child } of raisable.slice(0, Math.max(0, missing)))
      quotas[child] = (quotas[child] as number) + 1;
  }
  return quotas;
}
