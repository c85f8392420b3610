/** The ring and its builder in a data directory: DIR/ring/ring and DIR/ring/builder.json. */
import { join } from 'node:path';
import { errorText, HoldfastError } from '#common/errors.ts';
import type { Files } from '#common/io/files.ts';
import type { RingBuilder } from '../builder.ts';
import { standingTable } from '../moves.ts';
import type { Ring } from '../ring.ts';
import type { RingTable } from '../ring-table.ts';
import { encodeBuilder, readBuilder } from './builder-file.ts';
import { BUILDER_FILE_BYTES_MAX, RING_FILE_BYTES_MAX } from './ring-format.ts';
import { readRing, readRingTable } from './ring-reader.ts';
import { encodeRing } from './ring-writer.ts';
import { readWholeFile, replaceFile } from '#common/io/whole-file.ts';

export interface RingPaths {
  readonly folder: string;
  readonly ring: string;
  readonly builder: string;
  /** What `Files.lock` is given by those who change the builder. */
  readonly lock: string;
}

export function ringPaths(dataDirectory: string): RingPaths {
  const folder = join(dataDirectory, 'ring');
  return {
    folder,
    ring: join(folder, 'ring'),
    builder: join(folder, 'builder.json'),
    lock: join(folder, 'lock'),
  };
}

/** Throws `format-invalid`, naming the file, and what the file system throws. */
export async function loadRing(files: Files, path: string): Promise<Ring> {
  return named(path, readRing, await readWholeFile(files, path, RING_FILE_BYTES_MAX));
}

/** The same as plain data. Throws as `loadRing`. */
export async function loadRingTable(files: Files, path: string): Promise<RingTable> {
  return named(path, readRingTable, await readWholeFile(files, path, RING_FILE_BYTES_MAX));
}

/** Durable when it resolves; readers see the old ring or the new one. The folder must exist. */
export async function writeRing(files: Files, path: string, table: RingTable): Promise<void> {
  await replaceFile(files, path, encodeRing(table));
}

/** Throws as `loadRing`. */
export async function loadBuilder(files: Files, path: string): Promise<RingBuilder> {
  return named(path, readBuilder, await readWholeFile(files, path, BUILDER_FILE_BYTES_MAX));
}

/** Durable when it resolves. The folder must exist. */
export async function writeBuilder(files: Files, path: string, builder: RingBuilder): Promise<void> {
  await replaceFile(files, path, encodeBuilder(builder));
}

/**
 * Writes the builder, then its ring, into the data directory, making DIR/ring. The builder goes first: a crash between
 * the two leaves a builder that can make the ring again, never a ring that its builder has not heard of. What is staged is in the
 * builder alone. Throws `invalid-argument` before the first rebalance.
 */
export async function saveRing(files: Files, dataDirectory: string, builder: RingBuilder): Promise<void> {
  const table = standingTable(builder.state);
  const paths = ringPaths(dataDirectory);
  await files.makeDirectory(paths.folder);
  await files.syncDirectory(dataDirectory);
  await writeBuilder(files, paths.builder, builder);
  await writeRing(files, paths.ring, table);
}

function named<Read>(path: string, read: (bytes: Uint8Array) => Read, bytes: Uint8Array): Read {
  try {
    return read(bytes);
  } catch (error) {
    throw new HoldfastError('format-invalid', `${path}: ${errorText(error)}`, { cause: error });
  }
}
