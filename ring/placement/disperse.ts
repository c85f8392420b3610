/** Moves one replica of each partition that could be dispersed better to where it should be. */
import { NO_DEVICE } from '../limits.ts';
import { Descent } from './descent.ts';
import type { MoveRules } from './even-out.ts';
import type { Workspace } from './workspace.ts';

/** @returns replicas moved. The quotas may be off afterwards; `evenOut` restores them. */
export function disperse(work: Workspace, rules: MoveRules): number {
  const descent = new Descent(work, rules.random);
  let moved = 0;
  for (const partition of rules.random.permutation(work.partitions)) {
    if (work.changed[partition] === 1 || !rules.mayMove(partition)) continue;
    let best: { row: number; from: number; to: number; price: number } | undefined;
    for (let row = 0; row < work.rows.length; row++) {
      const from = work.leafAt(row, partition);
      if (from >= work.tree.devices.length) continue;
      work.set(row, partition, NO_DEVICE);
      const to = descent.choose(partition);
      work.set(row, partition, from);
      if (to < 0 || work.holds(partition, to)) continue;
      const price = work.priceOfMove(partition, from, to);
      if (price < (best?.price ?? 0)) best = { row, from, to, price };
    }
    if (best === undefined) continue;
    work.set(best.row, partition, best.to);
    descent.refreshLeaf(best.from);
    descent.refreshLeaf(best.to);
    work.changed[partition] = 1;
    moved++;
  }
  return moved;
}
