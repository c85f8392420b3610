/** Follows identity in the store and tells everybody who listens what concerns them. */
import type { FeedEvent, FeedKey } from '../../protocol/identity-feed.ts';
import type { Revocation } from '../../protocol/revocations.ts';
import { prefixed } from '../../store/key-range.ts';
import type { Entry, WatchEvent } from '../../store/store.ts';
import type { Identity } from '../identity.ts';
import { decode } from '../records/collection.ts';
import { type Following, followRange } from '../tokens/follow-range.ts';
import { revocationIn, REVOCATIONS } from '../tokens/revocation-key.ts';
import { SIGNING_KEYS, type SigningKeyRecord } from '../tokens/signing-keys.ts';

const CREDENTIALS = 'identity/credential/';
/** What access keys are resolved from, besides the credential itself. */
const RESOLVED_FROM =
  /^identity\/(?:user|project|domain|role|grant|group|member|implied|application-credential|access-rule)\//;

export type FeedListener = (event: FeedEvent) => void;

export class FeedHub {
  readonly #keys = new Map<string, FeedKey>();
  readonly #revocations = new Map<string, Revocation>();
  readonly #listeners = new Set<FeedListener>();
  readonly #changedCredentials = new Set<string>();
  #hasChanged = false;
  #following: Following | undefined;

  async start(identity: Identity): Promise<void> {
    this.#following = await followRange(identity, prefixed('identity/'), {
      reset: (entries) => this.#reset(entries),
      change: (event) => this.#change(event),
    });
  }

  async close(): Promise<void> {
    await this.#following?.close();
  }

  /** Tells all that there is at once, then what changes. @returns what ends it. */
  listen(listener: FeedListener): () => void {
    listener(this.#all());
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #all(): FeedEvent {
    return { kind: 'reset', keys: [...this.#keys.values()], revocations: [...this.#revocations.values()] };
  }

  #tell(event: FeedEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #reset(entries: readonly Entry[]): void {
    this.#keys.clear();
    this.#revocations.clear();
    for (const entry of entries) {
      if (entry.key.startsWith(SIGNING_KEYS)) this.#keys.set(entry.key, keyIn(entry));
      else if (entry.key.startsWith(REVOCATIONS)) this.#revocations.set(entry.key, revocationIn(entry));
    }
    this.#tell(this.#all());
  }

  #change(event: WatchEvent): void {
    const key = event.kind === 'put' ? event.entry.key : event.key;
    if (key.startsWith(SIGNING_KEYS)) this.#changeKey(key, event);
    else if (key.startsWith(REVOCATIONS)) {
      // That one has ended, every listener knows by itself.
      if (event.kind === 'delete') this.#revocations.delete(key);
      else {
        const revocation = revocationIn(event.entry);
        this.#revocations.set(key, revocation);
        this.#tell({ kind: 'revocation', revocation });
      }
    } else if (key.startsWith(CREDENTIALS)) this.#changed(decodeURIComponent(key.slice(CREDENTIALS.length)));
    else if (RESOLVED_FROM.test(key)) this.#changed();
  }

  #changeKey(key: string, event: WatchEvent): void {
    if (event.kind === 'put') {
      const added = keyIn(event.entry);
      this.#keys.set(key, added);
      this.#tell({ kind: 'key', key: added });
      return;
    }
    const known = this.#keys.get(key);
    this.#keys.delete(key);
    if (known !== undefined) this.#tell({ kind: 'key-gone', id: known.id });
  }

  /** What changes together is told together. */
  #changed(credentialId?: string): void {
    if (credentialId !== undefined) this.#changedCredentials.add(credentialId);
    if (this.#hasChanged) return;
    this.#hasChanged = true;
    setImmediate(() => {
      this.#hasChanged = false;
      const credentialIds = [...this.#changedCredentials];
      this.#changedCredentials.clear();
      this.#tell({ kind: 'changed', credentialIds });
    });
  }
}

function keyIn({ key, value }: Entry): FeedKey {
  const { id, publicKey } = decode<SigningKeyRecord>(value, key);
  return { id, publicKey };
}
