/** Gives every empty slot a device: on a new ring, for a new replica, and where a device has gone. */
import { NO_DEVICE } from '../limits.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { Descent } from './descent.ts';
import type { Workspace } from './workspace.ts';

/** @returns replicas placed. A slot stays empty when every device has a replica of its partition. */
export function fillEmpty(work: Workspace, random: SeededRandom): number {
  const empty = random.permutation(work.partitions).filter((partition) => work.holds(partition, NO_DEVICE));
  if (empty.length === 0) return 0;
  const descent = new Descent(work, random);
  for (const partition of empty) descent.promise(partition, 1);
  descent.refreshAll();
  let placed = 0;
  for (const partition of empty) {
    descent.promise(partition, -1);
    // In random order, or the devices that are chosen first would be the primaries of everything.
    for (const row of random.permutation(work.rows.length)) {
      const table = work.rows[row] as Uint16Array;
      if (partition >= table.length || table[partition] !== NO_DEVICE) continue;
      const leaf = descent.choose(partition);
      if (leaf < 0) break;
      work.set(row, partition, leaf);
      descent.refreshLeaf(leaf);
      work.changed[partition] = 1;
      placed++;
    }
  }
  return placed;
}
