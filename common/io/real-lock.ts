/**
 * A lock between processes that the system frees when its holder ends, however it ends.
 *
 * Node offers no flock. LevelDB takes an fcntl lock on the file LOCK of its folder, and a table in the process keeps a second
 * opening in the same process out; an empty database is therefore a lock.
 */
import { Level } from 'level';
import { errorText, HoldfastError } from '#common/errors.ts';
import type { FileLock } from './files.ts';

export async function lockFolder(path: string): Promise<FileLock> {
  const database = new Level(path, { writeBufferSize: 64 * 1024, cacheSize: 0 });
  try {
    await database.open();
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED')
      throw new HoldfastError('data-in-use', `the lock ${path} is held by another process`, { cause });
    throw new Error(`the lock ${path} cannot be taken: ${errorText(cause)}`, { cause });
  }
  return { release: () => database.close() };
}
