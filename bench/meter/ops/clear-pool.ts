/** Removes what operations have written, or may have. */
import { inParallel } from '#common/in-parallel.ts';
import { isAbsence } from '../crew/absence.ts';
import type { MediaTarget } from '../targets/target.ts';
import type { ObjectPool } from './object-pool.ts';

const REMOVE_CONCURRENCY = 8;

/** Minds no absence. Throws the first failure, when all have been tried. */
export async function clearPool(pool: ObjectPool, target: MediaTarget): Promise<void> {
  const failures: unknown[] = [];
  await inParallel(pool.all, REMOVE_CONCURRENCY, async (object) => {
    try {
      await target.remove(object);
    } catch (error) {
      if (!isAbsence(error)) {
        failures.push(error);
        return;
      }
    }
    pool.removed(object);
  });
  if (failures.length > 0) throw failures[0];
}
