/** Opens the builder of a data directory, to be read or to be changed by one command at a time. */
import type { Files } from '#common/io/files.ts';
import { whileLocked } from '#common/io/while-locked.ts';
import type { RingBuilder } from '#ring/builder.ts';
import {
  loadBuilder,
  loadRing,
  loadRingTable,
  type RingPaths,
  ringPaths,
  saveRing,
  writeBuilder,
} from '#ring/file/ring-files.ts';
import type { RingTable } from '#ring/ring-table.ts';
import { RefusedError } from './subcommand.ts';

/** Throws RefusedError when there is none. */
export async function readStoredBuilder(files: Files, dataDirectory: string): Promise<RingBuilder> {
  const { builder } = ringPaths(dataDirectory);
  if (await files.exists(builder)) return await loadBuilder(files, builder);
  throw noRing(dataDirectory);
}

function noRing(dataDirectory: string): RefusedError {
  return new RefusedError(
    `there is no ring in ${dataDirectory}: \`holdfast up\` makes the ring of one machine, \`holdfast ring create\` an empty one`,
  );
}

export interface StoredBuilder {
  readonly builder: RingBuilder;
  /** Keeps the changes in the builder file; the ring stays. */
  readonly stage: () => Promise<void>;
  /** Replaces builder and ring. */
  readonly publish: () => Promise<void>;
  /** The ring that stands. Throws RefusedError before the first. */
  readonly ringTable: () => Promise<RingTable>;
}

/** Runs `change` with the builder while no other command can change it; `change` says what is kept. */
export async function changeBuilder<Result>(
  files: Files,
  dataDirectory: string,
  change: (stored: StoredBuilder) => Promise<Result>,
): Promise<Result> {
  const paths = ringPaths(dataDirectory);
  if (!(await files.exists(paths.builder))) throw noRing(dataDirectory);
  return await whileLocked(files, paths.lock, async () => {
    const builder = await readStoredBuilder(files, dataDirectory);
    await finishInterrupted(files, dataDirectory, paths, builder);
    return await change({
      builder,
      stage: () => writeBuilder(files, paths.builder, builder),
      publish: () => saveRing(files, dataDirectory, builder),
      ringTable: async () => {
        if (builder.state.version === 0) throw new RefusedError('the ring has not been balanced yet');
        return await loadRingTable(files, paths.ring);
      },
    });
  });
}

/** A crash can come between a builder and its ring: then the ring is made from the builder before anything else. */
async function finishInterrupted(
  files: Files,
  dataDirectory: string,
  paths: RingPaths,
  builder: RingBuilder,
): Promise<void> {
  const { version } = builder.state;
  if (version === 0) return;
  const standing = (await files.exists(paths.ring)) ? (await loadRing(files, paths.ring)).version : 0;
  if (standing > version)
    throw new RefusedError(
      `the ring is version ${standing}, newer than its builder, version ${version}: restore the builder`,
    );
  if (standing < version) await saveRing(files, dataDirectory, builder);
}
