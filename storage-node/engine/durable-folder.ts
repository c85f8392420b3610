/** Folders that survive a power loss once made. */
import type { Files } from '#common/io/files.ts';

/**
 * Makes the folder and its parents, and every name on the way durable: also of those that are there, for the process that made
 * them may have been killed before it could.
 */
export async function makeDurablePath(files: Files, path: string): Promise<void> {
  await files.makeDirectory(path);
  for (let at = path; at !== '' && at !== '/' && at !== '.'; at = parentOf(at)) {
    try {
      // From the bottom up; each is a folder of its own.
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
