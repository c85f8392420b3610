/** The ring's builder in a data directory, as the mover changes it: docs/formats/ring.md. */
import { hasCode } from '#common/errors.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuilderStore } from '#cluster/rebalance/builder-book.ts';
import type { Files, FileLock } from '#common/io/files.ts';
import { type BuilderState, RingBuilder } from '#ring/builder.ts';
import { loadBuilder, ringPaths, saveRing, writeBuilder } from '#ring/file/ring-files.ts';

/** A command holds the lock for moments. */
const LOCK_MS_MAX = 30_000;
const LOCK_POLL_MS = 50;

/** @param published told after each ring that was published. */
export function fileBuilderStore(
  root: string,
  files: Files,
  nowMs: () => number,
  published: () => Promise<void>,
): BuilderStore {
  const paths = ringPaths(root);
  const load = async (): Promise<BuilderState> => (await loadBuilder(files, paths.builder)).state;
  return {
    nowMs,
    load,
    async change(change) {
      const lock = await lockInTime(files, paths.lock);
      let isNew: boolean;
      try {
        const before = await load();
        const next = new RingBuilder(change(before));
        isNew = next.state.version > before.version;
        if (isNew) await saveRing(files, root, next);
        else await writeBuilder(files, paths.builder, next);
      } finally {
        await lock.release();
      }
      if (isNew) await published();
    },
  };
}

export async function lockInTime(files: Files, path: string): Promise<FileLock> {
  const deadlineMs = performance.now() + LOCK_MS_MAX;
  for (;;) {
    try {
      return await files.lock(path);
    } catch (error) {
      if (!hasCode(error, 'data-in-use') || performance.now() > deadlineMs) throw error;
    }
    await sleep(LOCK_POLL_MS);
  }
}
