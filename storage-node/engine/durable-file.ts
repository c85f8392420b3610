/** Folders and small files that survive a power loss once made. */
import type { Files } from '#common/io/files.ts';

/** Writes `bytes` as the file `folder`/`name`: after a crash there is the old file or the new one, never a part. */
export async function replaceFile(files: Files, folder: string, name: string, bytes: Buffer): Promise<void> {
  const path = `${folder}/${name}`;
  const temporary = `${path}.new`;
  if (await files.exists(temporary)) await files.unlink(temporary);
  const file = await files.open(temporary, 'create');
  try {
    await file.write([bytes], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, path);
  // The rename is a change of the folder: without this a power loss may undo it.
  await files.syncDirectory(folder);
}

/** The whole file, or undefined when there is none; throws RangeError above `bytesMax`. */
export async function readWholeFile(
  files: Files,
  path: string,
  bytesMax: number,
): Promise<Buffer | undefined> {
  if (!(await files.exists(path))) return undefined;
  const file = await files.open(path, 'read');
  try {
    const bytes = await file.size();
    if (bytes > bytesMax)
      throw new RangeError(`${path} has ${bytes} bytes, at most ${bytesMax} are expected`);
    const whole = Buffer.alloc(bytes);
    const read = await file.read(whole, 0, bytes, 0);
    return whole.subarray(0, read);
  } finally {
    await file.close();
  }
}

/**
 * Makes the folder and its parents, and every name on the way durable: also of those that are there, for the process that made
 * them may have been killed before it could.
 */
export async function makeDurablePath(files: Files, path: string): Promise<void> {
  await files.makeDirectory(path);
  for (let at = path; at !== '' && at !== '/' && at !== '.'; at = parentOf(at)) {
    try {
      // From the bottom up; each is a folder of its own.
      // oxlint-disable-next-line no-await-in-loop
      await files.syncDirectory(parentOf(at));
    } catch (error) {
      // A folder that we may not read is not one that we made something in.
      if (!isForbidden(error)) throw error;
    }
  }
}

/** Makes one folder in a folder that is durable. */
export async function makeDurableFolder(files: Files, parent: string, name: string): Promise<void> {
  await files.makeDirectory(`${parent}/${name}`);
  await files.syncDirectory(parent);
}

function parentOf(path: string): string {
  const end = path.lastIndexOf('/');
  if (end > 0) return path.slice(0, end);
  return end === 0 ? '/' : '.';
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}
