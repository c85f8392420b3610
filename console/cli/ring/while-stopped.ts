/** Whether a cluster runs in a data directory. */
import { join } from 'node:path';
import { hasCode } from '#common/errors.ts';
import type { FileLock, Files } from '#common/io/files.ts';

/** Runs `work` with whether no cluster runs here; when none does, none can be started before it has ended. */
export async function whileStopped<Result>(
  files: Files,
  dataDirectory: string,
  work: (isStopped: boolean) => Promise<Result>,
): Promise<Result> {
  const path = join(dataDirectory, 'lock');
  // Without it no cluster has ever been started here.
  if (!(await files.exists(path))) return await work(true);
  let lock: FileLock | undefined;
  try {
    lock = await files.lock(path);
  } catch (error) {
    if (!hasCode(error, 'data-in-use')) throw error;
    return await work(false);
  }
  try {
    return await work(true);
  } finally {
    await lock.release();
  }
}
