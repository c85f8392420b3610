/**
 * One rebalance: the assignment in, the new assignment out, nothing else touched.
 *
 * Each rebalance serves one cause, the most urgent that has work: (1) slots without a device: a new ring, another
 * number of replicas, devices that are gone; (2) devices that joined; (3) weights; (4) dispersion. So what a rebalance
 * moves can be told beforehand: a device that goes moves only what was on it, one that joins at most what it gets.
 */
import { NO_DEVICE } from '../limits.ts';
import type { RingDevice } from '../ring.ts';
import { SeededRandom } from '../seeded-random.ts';
import { chainMoves } from './chain-moves.ts';
import { disperse } from './disperse.ts';
import { evenOut } from './even-out.ts';
import { buildFailureTree, type FailureTree } from './failure-tree.ts';
import { fillEmpty } from './fill-empty.ts';
import { makePlan } from './plan.ts';
import { dropReplicas, growRows, rowLengths } from './resize-rows.ts';
import { countHeld, Workspace } from './workspace.ts';

export interface RebalanceInput {
  readonly devices: readonly RingDevice[];
  readonly partitions: number;
  /** Replicas per partition, may be fractional. */
  readonly replicas: number;
  /** Share above its weight that a device may take for dispersion's sake: 0.1 is 10 %. */
  readonly overload: number;
  /** Device ids, one table per replica; an id that is not in `devices` is a device that is gone. */
  readonly rows: readonly Uint16Array[];
  readonly seed: number;
  /** Whether the partition's replicas have stayed long enough to move for a cause that can wait. */
  readonly mayMove: (partition: number) => boolean;
}

export type RebalanceCause = 'empty-slots' | 'fewer-replicas' | 'joined' | 'weights' | 'dispersion' | 'none';

export interface RebalanceOutput {
  readonly rows: Uint16Array[];
  /** 1 for each partition whose members changed. */
  readonly changed: Uint8Array;
  readonly cause: RebalanceCause;
  /** Replicas given a device that they were not on. */
  readonly placed: number;
}

export function rebalance(input: RebalanceInput): RebalanceOutput {
  const random = new SeededRandom(input.seed);
  const tree = buildFailureTree(input.devices);
  const lengths = rowLengths(input.partitions, input.replicas);
  const rows = growRows(input.rows, lengths).map((row) =>
    row.map((id) => (id === NO_DEVICE ? NO_DEVICE : (tree.leafOfDevice[id] as number))),
  );
  const held = countHeld(tree, rows);
  const slots = lengths.reduce((sum, length) => sum + length, 0);
  const plan = makePlan(tree, input.partitions, slots, input.overload, held);
  const work = new Workspace(tree, plan, rows, held, input.partitions);
  const shorter = rows.some((row, i) => row.length > (lengths[i] ?? 0));
  if (shorter) {
    const { rows: kept, dropped } = dropReplicas(work, lengths, random);
    const rest = new Workspace(tree, plan, kept, countHeld(tree, kept), input.partitions);
    const placed = fillEmpty(rest, random);
    const changed = work.changed.map((flag, partition) => flag | (rest.changed[partition] as number));
    return { rows: toIds(tree, kept), changed, cause: dropped > 0 ? 'fewer-replicas' : 'none', placed };
  }
  const { cause, placed } = serveMostUrgent(work, input, random);
  return { rows: toIds(tree, rows), changed: work.changed, cause, placed };
}

function serveMostUrgent(
  work: Workspace,
  input: RebalanceInput,
  random: SeededRandom,
): { cause: RebalanceCause; placed: number } {
  const rules = { random, mayMove: input.mayMove };
  const all = work.tree.devices.map((_, leaf) => leaf);
  const filled = fillEmpty(work, random);
  if (filled > 0) return { cause: 'empty-slots', placed: filled };
  const joining = all.filter((leaf) => work.held[work.tree.firstDeviceNode + leaf] === 0);
  const joined = evenOut(work, rules, joining);
  if (joined > 0) return { cause: 'joined', placed: joined };
  const evened = evenOut(work, rules, all) + chainMoves(work, rules);
  if (evened > 0) return { cause: 'weights', placed: evened };
  const dispersed = disperse(work, rules);
  if (dispersed > 0) return { cause: 'dispersion', placed: dispersed + evenOut(work, rules, all) };
  return { cause: 'none', placed: 0 };
}

function toIds(tree: FailureTree, rows: readonly Uint16Array[]): Uint16Array[] {
  const ids = Uint16Array.from(tree.devices, ({ id }) => id);
  return rows.map((row) => row.map((leaf) => (leaf === NO_DEVICE ? NO_DEVICE : (ids[leaf] as number))));
}
