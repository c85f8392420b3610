/** Brings the tables of replicas to another number of replicas: new slots are empty, surplus replicas are dropped. */
import { NO_DEVICE } from '../limits.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { Workspace } from './workspace.ts';

/** How many partitions each replica's table covers: a fraction gives the first partitions one more. */
export function rowLengths(partitions: number, replicas: number): number[] {
  const slots = Math.round(partitions * replicas);
  const lengths = Array.from({ length: Math.floor(slots / partitions) }, () => partitions);
  if (slots % partitions !== 0) lengths.push(slots % partitions);
  return lengths;
}

/** Copies what fits; slots that are new have no device. */
export function growRows(rows: readonly Uint16Array[], lengths: readonly number[]): Uint16Array[] {
  const count = Math.max(rows.length, lengths.length);
  return Array.from({ length: count }, (_, i) => {
    const old = rows[i] ?? new Uint16Array(0);
    const row = new Uint16Array(Math.max(old.length, lengths[i] ?? 0)).fill(NO_DEVICE);
    row.set(old);
    return row;
  });
}

/**
 * Empties the slots beyond `lengths`, of each partition the replica that is missed least: first by dispersion, then by
 * its device's surplus. @returns the shortened tables and the replicas dropped.
 */
export function dropReplicas(
  work: Workspace,
  lengths: readonly number[],
  random: SeededRandom,
): { rows: Uint16Array[]; dropped: number } {
  let dropped = 0;
  for (const partition of random.permutation(work.partitions)) {
    for (let row = work.rows.length - 1; row >= 0; row--) {
      const table = work.rows[row] as Uint16Array;
      if (partition < (lengths[row] ?? 0) || partition >= table.length) continue;
      const victim = leastMissed(work, partition, row);
      if (victim < 0) continue;
      const last = table[partition] as number;
      const leaf = work.leafAt(victim, partition);
      work.set(row, partition, NO_DEVICE);
      if (victim !== row) work.set(victim, partition, last);
      if (leaf === NO_DEVICE) continue;
      work.changed[partition] = 1;
      dropped++;
    }
  }
  const rows = lengths.map((length, row) => (work.rows[row] as Uint16Array).slice(0, length));
  return { rows, dropped };
}

/** Looks at the rows up to `lastRow`: those after it are already empty. */
function leastMissed(work: Workspace, partition: number, lastRow: number): number {
  let victim = -1;
  let lowest = Number.POSITIVE_INFINITY;
  let highestSurplus = 0;
  for (let row = 0; row <= lastRow; row++) {
    const table = work.rows[row] as Uint16Array;
    if (partition >= table.length) continue;
    const leaf = table[partition] as number;
    if (leaf === NO_DEVICE) return row;
    const price = work.priceOfDrop(partition, leaf);
    const surplus = work.surplus(leaf);
    if (price > lowest || (price === lowest && surplus <= highestSurplus)) continue;
    victim = row;
    lowest = price;
    highestSurplus = surplus;
  }
  return victim;
}
