/** One at a time, between processes: commands and the running cluster change the same files. */
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '#common/errors.ts';
import type { FileLock, Files } from './files.ts';

/** A holder changes some files, which is a matter of moments. */
export const LOCK_WAIT_MS_MAX = 30_000;
const LOCK_POLL_MS = 50;

/**
 * Runs `work` while no other process holds the lock `path`, waiting for it up to `waitMs`.
 * Throws `data-in-use` when it is not free by then, and what `work` throws.
 */
export async function whileLocked<Result>(
  files: Files,
  path: string,
  work: () => Promise<Result>,
  waitMs = LOCK_WAIT_MS_MAX,
): Promise<Result> {
  const lock = await lockInTime(files, path, waitMs);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

async function lockInTime(files: Files, path: string, waitMs: number): Promise<FileLock> {
  const deadlineMs = performance.now() + waitMs;
  for (;;) {
    try {
      return await files.lock(path);
    } catch (error) {
      if (!hasCode(error, 'data-in-use') || performance.now() > deadlineMs) throw error;
    }
    await sleep(LOCK_POLL_MS);
  }
}
