/**
 * Finds a device for a replica by walking down the failure tree. At each node the children that must hold a replica of
 * this partition and don't come first; then, among those that may hold one more, the child with the most left to take.
 *
 * "Left to take" leaves out the replicas that a child is certain to get because every partition still to come must give
 * it one. On an empty ring this makes the walk exact: a child that has as much left as there are partitions to come is
 * always taken, so every quota is met with every partition between least and most (largest remaining work first, as in
 * scheduling on identical processors). Ties are broken at random, so that a device's peers are spread over the cluster.
 */
import type { SeededRandom } from '../seeded-random.ts';
import { ChildHeaps } from './child-heaps.ts';
import { DEVICE_TIER } from './failure-tree.ts';
import type { Workspace } from './workspace.ts';

export class Descent {
  readonly #work: Workspace;
  readonly #random: SeededRandom;
  readonly #heaps: ChildHeaps;
  /** Replicas that partitions still to come must give to a node. */
  readonly #promised: Int32Array;
  /** Nodes whose least is above 0, by parent: seldom more than a partition has replicas. */
  readonly #required = new Map<number, number[]>();
  readonly #requiredTiers: { node: number; tier: number }[] = [];

  constructor(work: Workspace, random: SeededRandom) {
    this.#work = work;
    this.#random = random;
    this.#heaps = new ChildHeaps(work.tree);
    this.#promised = new Int32Array(work.tree.nodeCount);
    this.#collectRequired(0, 0);
    for (let node = 1; node < work.tree.nodeCount; node++) this.#refresh(node);
  }

  #collectRequired(parent: number, tier: number): void {
    const { tree, plan } = this.#work;
    const first = tree.firstChild[parent] as number;
    const end = first + (tree.childCount[parent] as number);
    for (let child = first; child < end; child++) {
      if ((plan.least[child] as number) === 0) continue;
      const siblings = this.#required.get(parent);
      if (siblings === undefined) this.#required.set(parent, [child]);
      else siblings.push(child);
      this.#requiredTiers.push({ node: child, tier: tier + 1 });
      if (tier + 1 < DEVICE_TIER) this.#collectRequired(child, tier + 1);
    }
  }

  /** Counts (+1) or settles (−1) what a partition with empty slots is certain to give. */
  promise(partition: number, sign: 1 | -1): void {
    for (const { node, tier } of this.#requiredTiers) {
      const missing = (this.#work.plan.least[node] as number) - this.#work.countIn(partition, node, tier);
      if (missing <= 0) continue;
      this.#promised[node] = (this.#promised[node] as number) + sign * missing;
      if (sign < 0) this.#refresh(node);
    }
  }

  /** To be called after the last promise was counted. */
  refreshAll(): void {
    for (const { node } of this.#requiredTiers) this.#refresh(node);
  }

  /** To be called when a leaf has got or lost a replica. */
  refreshLeaf(leaf: number): void {
    for (let tier = 1; tier <= DEVICE_TIER; tier++) this.#refresh(this.#work.nodeOf(leaf, tier));
  }

  #refresh(node: number): void {
    const { plan, held } = this.#work;
    const left = (plan.quotas[node] as number) - (held[node] as number) - (this.#promised[node] as number);
    this.#heaps.setKey(node, left + this.#random.fraction());
  }

  /** The leaf that should take one more replica of the partition, or −1 when every device has one. */
  choose(partition: number): number {
    if (!this.#canTake(partition, 0, 0)) return -1;
    let node = 0;
    for (let tier = 1; tier <= DEVICE_TIER; tier++) node = this.#chooseChild(partition, node, tier);
    return node - this.#work.tree.firstDeviceNode;
  }

  #chooseChild(partition: number, parent: number, tier: number): number {
    const { tree, plan } = this.#work;
    if (tree.childCount[parent] === 1) return tree.firstChild[parent] as number;
    for (const child of this.#required.get(parent) ?? []) {
      const lacks = this.#work.countIn(partition, child, tier) < (plan.least[child] as number);
      if (lacks && this.#canTake(partition, child, tier)) return child;
    }
    const allowed = this.#heaps.best(
      parent,
      (child) =>
        this.#work.countIn(partition, child, tier) < (plan.most[child] as number) &&
        this.#canTake(partition, child, tier),
    );
    return allowed >= 0 ? allowed : this.#leastMisplaced(partition, parent, tier);
  }

  /** Where every child is at its most, the one that gets the least above it. */
  #leastMisplaced(partition: number, parent: number, tier: number): number {
    const { tree, plan } = this.#work;
    const first = tree.firstChild[parent] as number;
    let best = -1;
    let bestOver = Number.POSITIVE_INFINITY;
    for (let child = first; child < first + (tree.childCount[parent] as number); child++) {
      if (!this.#canTake(partition, child, tier)) continue;
      const over = this.#work.countIn(partition, child, tier) - (plan.most[child] as number);
      const wins = over < bestOver || (over === bestOver && this.#heaps.key(child) > this.#heaps.key(best));
      if (!wins) continue;
      best = child;
      bestOver = over;
    }
    return best;
  }

  /** Whether a device with a weight below the node has no replica of the partition yet. */
  #canTake(partition: number, node: number, tier: number): boolean {
    const { tree, rows } = this.#work;
    let free = tree.activeDevices[node] as number;
    if (free > rows.length) return true;
    for (let row = 0; row < rows.length; row++) {
      const leaf = this.#work.leafAt(row, partition);
      if (leaf >= tree.devices.length || this.#work.nodeOf(leaf, tier) !== node) continue;
      if ((tree.devices[leaf]?.weight ?? 0) > 0) free--;
    }
    return free > 0;
  }
}
