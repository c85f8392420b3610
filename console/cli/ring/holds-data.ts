/** Whether the devices of a data directory hold anything yet. */
import { join } from 'node:path';
import { HoldfastError } from '#common/errors.ts';
import type { Files } from '#common/io/files.ts';

/** A segment of a device's log that has no entry is its header alone (docs/formats/log.md). */
const SEGMENT_HEADER_BYTES = 64;
const IDENTITY_BYTES_MAX = 1024 * 1024;

/** Looks at the logs of DIR/devices/* and of the folders that DIR/holdfast.json names: every object has a record there. */
export async function holdsData(files: Files, dataDirectory: string): Promise<boolean> {
  const folders = await devicePaths(files, join(dataDirectory, 'holdfast.json'));
  const devices = join(dataDirectory, 'devices');
  if (await files.exists(devices)) {
    for (const { name, isDirectory } of await files.list(devices))
      if (isDirectory) folders.push(join(devices, name));
  }
  const found = await Promise.all(folders.map((folder) => logHasEntries(files, join(folder, 'log'))));
  return found.includes(true);
}

async function logHasEntries(files: Files, log: string): Promise<boolean> {
  if (!(await files.exists(log))) return false;
  const segments = (await files.list(log)).filter(({ isDirectory }) => !isDirectory);
  const sizes = await Promise.all(segments.map(({ name }) => sizeOf(files, join(log, name))));
  return sizes.some((bytes) => bytes > SEGMENT_HEADER_BYTES);
}

async function sizeOf(files: Files, path: string): Promise<number> {
  const file = await files.open(path, 'read');
  try {
    return await file.size();
  } finally {
    await file.close();
  }
}

/** Folders outside of DIR/devices (docs/formats/data-directory.md). Throws `format-invalid`: not to know is not "none". */
async function devicePaths(files: Files, path: string): Promise<string[]> {
  if (!(await files.exists(path))) return [];
  const file = await files.open(path, 'read');
  try {
    const bytes = Buffer.alloc(Math.min(await file.size(), IDENTITY_BYTES_MAX));
    await file.read(bytes, 0, bytes.length, 0);
    const identity: unknown = JSON.parse(bytes.toString('utf8'));
    const paths = (identity as { devicePaths?: unknown } | null)?.devicePaths ?? [];
    if (Array.isArray(paths) && paths.every((one) => typeof one === 'string')) return paths;
    throw new TypeError('devicePaths is not a list of folders');
  } catch (error) {
    throw new HoldfastError('format-invalid', `${path} does not tell where the devices are`, {
      cause: error,
    });
  } finally {
    await file.close();
  }
}
