/** Access keys that were asked for: good until something changes, and, when nobody can be asked, for a stated time longer. */
import { createHash } from 'node:crypto';
import { hasCode } from '#common/errors.ts';
import type { AccessKey } from './identity-client.ts';

export interface RememberedKeysOptions {
  readonly nowMs: () => number;
  readonly staleMs: number;
  /** When control was last heard of: up to then, what nobody doubted was so. */
  readonly heardMs: () => number;
  /** Throws `peer-unavailable` when nobody can be asked. */
  readonly ask: (access: string) => Promise<AccessKey | undefined>;
}

interface Remembered {
  readonly key: AccessKey | undefined;
  /** When it was last known to be so; of what nobody doubts, when it was asked for. */
  atMs: number;
  isDoubted: boolean;
}

const REMEMBERED_MAX = 50_000;
/** A key that there was not is asked for again after so long: one that comes to be is told of, too. */
const ABSENT_MS = 10_000;

export class RememberedKeys {
  readonly #options: RememberedKeysOptions;
  readonly #keys = new Map<string, Remembered>();
  readonly #asking = new Map<string, Promise<AccessKey | undefined>>();
  /** Raised with every change: an answer that was on its way meanwhile may be older. */
  #changes = 0;

  constructor(options: RememberedKeysOptions) {
    this.#options = options;
  }

  async get(access: string): Promise<AccessKey | undefined> {
    const known = this.#keys.get(access);
    if (known !== undefined && this.#isGood(known)) return known.key;
    const asked = this.#asking.get(access);
    if (asked !== undefined) return await asked;
    const asking = this.#ask(access, known);
    this.#asking.set(access, asking);
    try {
      return await asking;
    } finally {
      this.#asking.delete(access);
    }
  }

  /** Those credentials have changed or are gone; of the others, that is not known. */
  forget(credentialIds: readonly string[]): void {
    this.doubtAll(this.#options.heardMs());
    if (credentialIds.length === 0) return;
    const gone = new Set(credentialIds);
    for (const access of this.#keys.keys())
      if (gone.has(createHash('sha256').update(access).digest('hex'))) this.#keys.delete(access);
  }

  /** @param knownMs up to when it was known that nothing had changed. */
  doubtAll(knownMs: number): void {
    this.#changes += 1;
    for (const remembered of this.#keys.values()) {
      if (remembered.isDoubted) continue;
      remembered.isDoubted = true;
      remembered.atMs = Math.max(remembered.atMs, knownMs);
    }
  }

  #isGood({ key, atMs, isDoubted }: Remembered): boolean {
    if (isDoubted) return false;
    const { nowMs, heardMs, staleMs } = this.#options;
    if (key === undefined) return nowMs() - atMs < ABSENT_MS;
    return nowMs() - Math.max(atMs, heardMs()) < staleMs;
  }

  async #ask(access: string, known: Remembered | undefined): Promise<AccessKey | undefined> {
    const changes = this.#changes;
    try {
      const key = await this.#options.ask(access);
      this.#remember(access, { key, atMs: this.#options.nowMs(), isDoubted: changes !== this.#changes });
      return key;
    } catch (error) {
      if (!hasCode(error, 'peer-unavailable')) throw error;
      // Only what nobody has said to be gone, and only for so long.
      const still = this.#keys.get(access);
      if (known === undefined || still !== known || known.key === undefined) throw error;
      if (this.#options.nowMs() - known.atMs > this.#options.staleMs) throw error;
      return known.key;
    }
  }

  #remember(access: string, remembered: Remembered): void {
    this.#keys.delete(access);
    this.#keys.set(access, remembered);
    if (this.#keys.size <= REMEMBERED_MAX) return;
    const [oldest] = this.#keys.keys();
    if (oldest !== undefined) this.#keys.delete(oldest);
  }
}
