/**
 * Keeps the feed's EC2 credentials as the store has them. One that is deleted goes at once; one whose user, project or roles
 * have changed is looked at again, by itself.
 */
import { errorText } from '#common/errors.ts';
import type { Identity } from '../identity.ts';
import type { CredentialRecord } from '../records/records.ts';
import type { FeedState } from './feed-state.ts';
import { usableEc2 } from './usable-ec2.ts';

const RETRY_MS = 500;
const LOOKED_AT_ONCE_MAX = 16;

export class Ec2Items {
  readonly #identity: Identity;
  readonly #state: FeedState;
  readonly #records = new Map<string, CredentialRecord>();
  /** Ids of credentials that have to be looked at. */
  readonly #changed = new Set<string>();
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(identity: Identity, state: FeedState) {
    this.#identity = identity;
    this.#state = state;
  }

  put(record: CredentialRecord): void {
    if (record.type !== 'ec2') return;
    const before = this.#records.get(record.id);
    if (before !== undefined && before.access !== record.access) this.#state.remove(keyOf(before));
    this.#records.set(record.id, record);
    this.#look(record.id);
  }

  remove(id: string): void {
    const record = this.#records.get(id);
    this.#records.delete(id);
    if (record !== undefined) this.#state.remove(keyOf(record));
  }

  reset(records: readonly CredentialRecord[]): void {
    const ids = new Set(records.map(({ id }) => id));
    for (const id of this.#records.keys()) if (!ids.has(id)) this.remove(id);
    for (const record of records) this.put(record);
  }

  /** Something that these depend on has changed. */
  reconsider(depends: (record: CredentialRecord) => boolean): void {
    for (const [id, record] of this.#records) if (depends(record)) this.#look(id);
  }

  /** Resolves when everything has been looked at that had to be. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  close(): void {
    this.#isClosed = true;
  }

  #look(id: string): void {
    this.#changed.add(id);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    // Changes come in bursts: one look is enough for those of one turn.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#changed.size > 0 && !this.#isClosed) {
      const ids = [...this.#changed].slice(0, LOOKED_AT_ONCE_MAX);
      for (const id of ids) this.#changed.delete(id);
      try {
        await Promise.all(ids.map((id) => this.#refresh(id)));
      } catch (error) {
        this.#identity.log.warn('the identity feed', { error: errorText(error) });
        for (const id of ids) this.#changed.add(id);
        await new Promise<void>((resolve) => this.#identity.clock.after(RETRY_MS, resolve));
      }
    }
  }

  async #refresh(id: string): Promise<void> {
    const record = this.#records.get(id);
    if (record === undefined) return;
    const item = await usableEc2(this.#identity, record);
    // It was deleted or replaced meanwhile: whoever did that has said so.
    if (this.#records.get(id) !== record) return;
    if (item === undefined) this.#state.remove(keyOf(record));
    else this.#state.put(item);
  }
}

function keyOf({ access }: CredentialRecord): string {
  return `ec2/${access}`;
}
