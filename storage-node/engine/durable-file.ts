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
 * Makes the folder and its parents, every new name durable. The name of one that is there is made durable too: the
 * process that made it may have been killed before it could.
 */
export async function makeDurableFolder(files: Files, path: string): Promise<void> {
  const parent = path.slice(0, Math.max(0, path.lastIndexOf('/'))) || (path.startsWith('/') ? '/' : '.');
  if (!(await files.exists(parent))) await makeDurableFolder(files, parent);
  await files.makeDirectory(path);
  await files.syncDirectory(parent);
}
