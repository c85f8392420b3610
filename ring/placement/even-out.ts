/**
 * Moves replicas from devices above their quota to devices below it: never more than is missing there, at most one of
 * a partition, and none that would disperse its partition worse.
 */
import type { SeededRandom } from '../seeded-random.ts';
import { DEVICE_TIER } from './failure-tree.ts';
import type { Workspace } from './workspace.ts';

export interface MoveRules {
  readonly random: SeededRandom;
  /** Whether a replica of the partition may move (it has not moved too recently). */
  readonly mayMove: (partition: number) => boolean;
}

/** Devices that are tried as a replica's new place before the next replica is looked at. */
const DESTINATIONS_TRIED = 24;
const ROUNDS_MAX = 8;

interface Move {
  row: number;
  from: number;
  to: number;
  price: number;
  gain: number;
}

/** @returns replicas moved. @param destinations leaves that may take replicas. */
export function evenOut(work: Workspace, rules: MoveRules, destinations: readonly number[]): number {
  const hungry = destinations.filter((leaf) => work.surplus(leaf) < 0);
  let moved = 0;
  // First only moves that bring every tier nearer to its quota; then what that left over.
  for (const everyTier of [true, false]) {
    for (let round = 0; round < ROUNDS_MAX && hungry.length > 0; round++) {
      const movedNow = evenOutRound(work, rules, hungry, everyTier);
      moved += movedNow;
      if (movedNow === 0) break;
    }
  }
  return moved;
}

function evenOutRound(work: Workspace, rules: MoveRules, hungry: number[], everyTier: boolean): number {
  let moved = 0;
  for (const partition of rules.random.permutation(work.partitions)) {
    if (hungry.length === 0) break;
    if (work.changed[partition] === 1 || !rules.mayMove(partition)) continue;
    const move = bestMove(work, rules.random, partition, hungry, everyTier);
    if (move === undefined) continue;
    work.set(move.row, partition, move.to);
    work.changed[partition] = 1;
    moved++;
    if (work.surplus(move.to) >= 0) {
      hungry[hungry.indexOf(move.to)] = hungry.at(-1) as number;
      hungry.pop();
    }
  }
  return moved;
}

function bestMove(
  work: Workspace,
  random: SeededRandom,
  partition: number,
  hungry: readonly number[],
  everyTier: boolean,
): Move | undefined {
  let best: Move | undefined;
  for (let row = 0; row < work.rows.length; row++) {
    const from = work.leafAt(row, partition);
    if (from >= work.tree.devices.length || work.surplus(from) <= 0) continue;
    const start = random.below(hungry.length);
    for (let tried = 0; tried < Math.min(hungry.length, DESTINATIONS_TRIED); tried++) {
      const to = hungry[(start + tried) % hungry.length] as number;
      if (work.holds(partition, to) || (everyTier && !helpsEveryTier(work, from, to))) continue;
      const price = work.priceOfMove(partition, from, to);
      if (price > 0) continue;
      const gain = work.surplus(from) - work.surplus(to);
      if (best === undefined || price < best.price || (price === best.price && gain > best.gain)) {
        best = { row, from, to, price, gain };
      }
    }
  }
  return best;
}

function helpsEveryTier(work: Workspace, fromLeaf: number, toLeaf: number): boolean {
  const { quotas } = work.plan;
  for (let tier = 1; tier <= DEVICE_TIER; tier++) {
    const from = work.nodeOf(fromLeaf, tier);
    const to = work.nodeOf(toLeaf, tier);
    if (from === to) continue;
    if ((work.held[from] as number) <= (quotas[from] as number)) return false;
    if ((work.held[to] as number) >= (quotas[to] as number)) return false;
  }
  return true;
}
