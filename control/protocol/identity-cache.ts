/** The file in which a process keeps what it was told of identity: docs/formats/identity-feed.md, "The proxy's copy". */
import { constants } from 'node:fs';
import { open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError } from '#common/errors.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { FeedItem } from './identity-feed.ts';
import { SecretSeal } from './sealed-secret.ts';

const VERSION = 1;
const PURPOSE = 'identity cache';

export interface KeptIdentity {
  readonly items: readonly FeedItem[];
  /** Milliseconds since 1970. */
  readonly confirmedMs: number;
}

export class IdentityCache {
  readonly #path: string;
  readonly #seal: SecretSeal;
  readonly #randomness: Randomness;

  constructor(path: string, clusterKey: Buffer, randomness: Randomness) {
    this.#path = path;
    this.#seal = new SecretSeal(clusterKey);
    this.#randomness = randomness;
  }

  /** Undefined when there is none. Throws `data-corrupt` and `format-invalid` for what is not of this cluster. */
  async load(): Promise<KeptIdentity | undefined> {
    let text: string;
    try {
      text = await readFile(this.#path, 'latin1');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    const { version, items, confirmedMs } = JSON.parse(this.#seal.open(text, PURPOSE).toString()) as {
      readonly version: unknown;
    } & KeptIdentity;
    if (version !== VERSION) throw new HoldfastError('format-invalid', `its version is not ${VERSION}`);
    return { items, confirmedMs };
  }

  /** Durable when it resolves. */
  async save({ items, confirmedMs }: KeptIdentity): Promise<void> {
    const json = Buffer.from(JSON.stringify({ version: VERSION, confirmedMs, items }));
    const sealed = this.#seal.seal(json, PURPOSE, this.#randomness);
    const temporary = `${this.#path}.new`;
    await unlink(temporary).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    // The mode is given when the file is made: there is no moment at which others could open it.
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(sealed, 'latin1');
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
    // A rename is only durable when its folder is.
    const folder = await open(dirname(this.#path), constants.O_RDONLY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
