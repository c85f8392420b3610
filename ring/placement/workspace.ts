/**
 * What a rebalance works on: who holds which replica (by leaf number of the failure tree), what each node holds, and
 * what the plan asks. It knows the price of a move and nothing of which moves to make.
 */
import { NO_DEVICE } from '../limits.ts';
import { DEVICE_TIER, type FailureTree, PATH_LENGTH } from './failure-tree.ts';
import type { Plan } from './plan.ts';

/** A misplacement weighs more than all that its partition could have in the tiers further in: 32 > 16 replicas. */
const TIER_PRICES = [0, 32 ** 4, 32 ** 3, 32 ** 2, 32, 1];

export class Workspace {
  readonly tree: FailureTree;
  readonly plan: Plan;
  readonly partitions: number;
  /** One table of leaf numbers per replica; the last may cover only the first partitions. */
  readonly rows: readonly Uint16Array[];
  /** Replicas held, by node. */
  readonly held: Int32Array;
  /** 1 for a partition whose members have changed. */
  readonly changed: Uint8Array;

  constructor(
    tree: FailureTree,
    plan: Plan,
    rows: readonly Uint16Array[],
    held: Int32Array,
    partitions: number,
  ) {
    this.tree = tree;
    this.plan = plan;
    this.rows = rows;
    this.held = held;
    this.partitions = partitions;
    this.changed = new Uint8Array(this.partitions);
  }

  leafAt(row: number, partition: number): number {
    return this.rows[row]?.[partition] ?? NO_DEVICE;
  }

  nodeOf(leaf: number, tier: number): number {
    return this.tree.path[leaf * PATH_LENGTH + tier] as number;
  }

  /** Replicas of the partition under a node of the tier. */
  countIn(partition: number, node: number, tier: number): number {
    let count = 0;
    for (const row of this.rows) {
      const leaf = partition < row.length ? (row[partition] as number) : NO_DEVICE;
      if (leaf !== NO_DEVICE && this.nodeOf(leaf, tier) === node) count++;
    }
    return count;
  }

  /** Replicas of one partition that a node has above its most or below its least. */
  misplaced(node: number, count: number): number {
    const over = count - (this.plan.most[node] as number);
    if (over > 0) return over;
    const under = (this.plan.least[node] as number) - count;
    return under > 0 ? under : 0;
  }

  /** How the price of a partition's misplacements would change: below 0 it is dispersed better. */
  priceOfMove(partition: number, fromLeaf: number, toLeaf: number): number {
    let price = 0;
    for (let tier = 1; tier <= DEVICE_TIER; tier++) {
      const from = this.nodeOf(fromLeaf, tier);
      const to = this.nodeOf(toLeaf, tier);
      if (from === to) continue;
      const fromCount = this.countIn(partition, from, tier);
      const toCount = this.countIn(partition, to, tier);
      const difference =
        this.misplaced(from, fromCount - 1) -
        this.misplaced(from, fromCount) +
        this.misplaced(to, toCount + 1) -
        this.misplaced(to, toCount);
      price += difference * (TIER_PRICES[tier] as number);
    }
    return price;
  }

  /** The price of losing a replica altogether. */
  priceOfDrop(partition: number, leaf: number): number {
    let price = 0;
    for (let tier = 1; tier <= DEVICE_TIER; tier++) {
      const node = this.nodeOf(leaf, tier);
      const count = this.countIn(partition, node, tier);
      price +=
        (this.misplaced(node, count - 1) - this.misplaced(node, count)) * (TIER_PRICES[tier] as number);
    }
    return price;
  }

  holds(partition: number, leaf: number): boolean {
    for (const row of this.rows) if (partition < row.length && row[partition] === leaf) return true;
    return false;
  }

  /** Replicas that the device holds above its quota; below 0: that it lacks. */
  surplus(leaf: number): number {
    const node = this.tree.firstDeviceNode + leaf;
    return (this.held[node] as number) - (this.plan.quotas[node] as number);
  }

  /** Gives a slot to a leaf, or to none (NO_DEVICE). */
  set(row: number, partition: number, leaf: number): void {
    const table = this.rows[row] as Uint16Array;
    const before = table[partition] as number;
    if (before !== NO_DEVICE) this.#count(before, -1);
    if (leaf !== NO_DEVICE) this.#count(leaf, 1);
    table[partition] = leaf;
  }

  #count(leaf: number, step: number): void {
    for (let tier = 0; tier <= DEVICE_TIER; tier++) {
      const node = this.nodeOf(leaf, tier);
      this.held[node] = (this.held[node] as number) + step;
    }
  }
}

/** Replicas by node of the tree, of a table of leaf numbers. */
export function countHeld(tree: FailureTree, rows: readonly Uint16Array[]): Int32Array {
  const held = new Int32Array(tree.nodeCount);
  for (const row of rows) {
    for (const leaf of row)
      if (leaf !== NO_DEVICE)
        held[tree.firstDeviceNode + leaf] = (held[tree.firstDeviceNode + leaf] as number) + 1;
  }
  for (let leaf = 0; leaf < tree.devices.length; leaf++) {
    const count = held[tree.firstDeviceNode + leaf] as number;
    for (let tier = 0; tier < DEVICE_TIER; tier++) {
      const node = tree.path[leaf * PATH_LENGTH + tier] as number;
      held[node] = (held[node] as number) + count;
    }
  }
  return held;
}
