/** The folder that a run of a file target works in. It may be somebody's: nothing is removed here but empty folders. */
import { mkdirSync, readdirSync } from 'node:fs';
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OperationFailure } from '../../load/operation-failure.ts';

/** Written for a moment by each process, to see whether the filesystem takes O_DIRECT. */
export const DIRECT_TRIAL_NAME = '.direct';
/** What removing a folder says where there is more in it, and where another process was quicker. */
const STAYS = new Set(['ENOTEMPTY', 'EEXIST', 'ENOENT']);

export class FilePlace {
  readonly path: string;
  readonly #reuse: boolean;
  #made = false;

  /** @param reuse whether the folder may hold something: what an earlier run kept. */
  constructor(path: string, reuse: boolean) {
    this.path = path;
    this.#reuse = reuse;
  }

  /** Throws what the filesystem says; `invalid-argument` for a folder in which somebody else's files may be. */
  make(): void {
    this.#made = mkdirSync(this.path, { recursive: true }) !== undefined;
    if (this.#made || this.#reuse) return;
    if (readdirSync(this.path).every((name) => name === DIRECT_TRIAL_NAME)) return;
    throw new OperationFailure(
      'invalid-argument',
      'place',
      `${this.path} is there and not empty: give another --name, or --reuse for clips that were kept`,
    );
  }

  /**
   * Removes the folder and those in it as far as they are empty: a run removes its objects one by one. A folder that was
   * there before, and was not taken up again, stays.
   */
  async remove(): Promise<void> {
    await removeEmptyWithin(this.path);
    if (this.#made || this.#reuse) await removeEmpty(this.path);
  }
}

async function removeEmptyWithin(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(staysOr([]));
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    await removeEmptyWithin(path);
    await removeEmpty(path);
  }
}

async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(staysOr(undefined));
}

function staysOr<Value>(otherwise: Value): (error: unknown) => Value {
  return (error) => {
    if (STAYS.has((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  };
}
