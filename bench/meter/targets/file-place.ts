/** The folder that a run of a file target works in. It may be somebody's: nothing is removed here but empty folders. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { placeTaken, type TargetSpec } from './target.ts';

/** Of what each process writes for a moment, to see whether the filesystem takes O_DIRECT. */
const TRIAL_NAME = /^\.holdfast-trial-[0-9a-f]{12}$/;
/** What removing a folder says where there is more in it, and where another process was quicker. */
const STAYS = new Set(['ENOTEMPTY', 'EEXIST', 'ENOENT']);

export class FilePlace {
  readonly path: string;
  readonly #reuse: boolean;
  /** Whether it was made for this run, by this process or another. */
  #ours: boolean;

  constructor(path: string, { reuse, drawn }: Pick<TargetSpec, 'reuse' | 'drawn'>) {
    this.path = path;
    this.#reuse = reuse;
    this.#ours = drawn;
  }

  /** Throws what the filesystem says; `invalid-argument` for a folder in which somebody else's files may be. */
  make(): void {
    if (mkdirSync(this.path, { recursive: true }) !== undefined) this.#ours = true;
    if (this.#ours || this.#reuse) return;
    if (readdirSync(this.path).some((name) => !TRIAL_NAME.test(name))) throw placeTaken(this.path);
  }

  /** Of a file that is nobody's. */
  trialPath(): string {
    return join(this.path, `.holdfast-trial-${randomBytes(6).toString('hex')}`);
  }

  /**
   * Removes the folder and those in it as far as they are empty: a run removes its objects one by one. A folder that was
   * there before, and was not taken up again, stays.
   */
  async remove(): Promise<void> {
    await removeEmptyWithin(this.path);
    if (this.#ours || this.#reuse) await removeEmpty(this.path);
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
