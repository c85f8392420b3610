/** The ring's builder in a data directory, as the mover changes it: docs/formats/ring.md. */
import type { BuilderStore } from '#cluster/rebalance/builder-book.ts';
import type { Files } from '#common/io/files.ts';
import { whileLocked } from '#common/io/while-locked.ts';
import { type BuilderState, RingBuilder } from '#ring/builder.ts';
import { loadBuilder, ringPaths, saveRing, writeBuilder } from '#ring/file/ring-files.ts';

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
      const isNewRing = await whileLocked(files, paths.lock, async () => {
        const before = await load();
        const next = new RingBuilder(change(before));
        const isNew = next.state.version > before.version;
        if (isNew) await saveRing(files, root, next);
        else await writeBuilder(files, paths.builder, next);
        return isNew;
      });
      if (isNewRing) await published();
    },
  };
}
