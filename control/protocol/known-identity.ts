/**
 * Identity as a process knows it that follows the feed: what it was told last, and until when that is good. Everything is
 * answered from memory.
 */
import { HoldfastError } from '#common/errors.ts';
import {
  type Ec2Item,
  type FeedBody,
  type FeedItem,
  feedItemKey,
  type ProjectItem,
} from './identity-feed.ts';
import type { TokenStatement } from './token-statement.ts';
import { TokenVerifier, type VerifierClock, type VerifyOptions } from './token-verifier.ts';

export interface KnownIdentityOptions {
  readonly clock: VerifierClock;
  /** How long what is known is good after control was heard of last. */
  readonly keepMs: number;
}

export class KnownIdentity {
  readonly #options: KnownIdentityOptions;
  readonly #verifier: TokenVerifier;
  readonly #items = new Map<string, FeedItem>();
  /** What has been told since the feed began anew, until it is whole. */
  #told: Set<string> | undefined;
  #confirmedMs = Number.NEGATIVE_INFINITY;
  #changes = 0;

  constructor(options: KnownIdentityOptions) {
    this.#options = options;
    this.#verifier = new TokenVerifier(options.clock);
  }

  /** Whether control has been heard of within the stated time. */
  get isCurrent(): boolean {
    return this.#options.clock.nowMs() - this.#confirmedMs <= this.#options.keepMs;
  }

  /** When control was heard of last, in milliseconds since 1970. */
  get confirmedMs(): number {
    return this.#confirmedMs;
  }

  /** Differs when something else is known. */
  get changes(): number {
    return this.#changes;
  }

  items(): readonly FeedItem[] {
    return [...this.#items.values()];
  }

  /**
   * Throws `unauthenticated` for a token that is not good, and `peer-unavailable` when control was not heard of for so long that
   * nobody can tell.
   */
  verifyToken(token: string, options?: VerifyOptions): TokenStatement {
    this.#assertCurrent();
    return this.#verifier.verify(token, options);
  }

  /** The same object for as long as nothing about it changes. Throws `peer-unavailable` when nobody can tell. */
  accessKey(access: string): Ec2Item | undefined {
    this.#assertCurrent();
    const item = this.#items.get(`ec2/${access}`);
    if (item?.kind !== 'ec2') return undefined;
    const { endsMs } = item;
    return endsMs !== undefined && endsMs <= this.#options.clock.nowMs() ? undefined : item;
  }

  /** However long ago control was heard of: a project's name gives nobody any right. */
  project(id: string): ProjectItem | undefined {
    const item = this.#items.get(`project/${id}`);
    return item?.kind === 'project' ? item : undefined;
  }

  /** What was kept over a restart. */
  restore(items: readonly FeedItem[], confirmedMs: number): void {
    for (const item of items) this.#put(item);
    this.#confirmedMs = confirmedMs;
  }

  apply({ begins, isWhole, put, removed }: FeedBody): void {
    if (begins === true) this.#told = new Set();
    for (const item of put) {
      this.#put(item);
      this.#told?.add(feedItemKey(item));
    }
    for (const key of removed) this.#remove(key);
    if (isWhole === true && this.#told !== undefined) {
      for (const key of [...this.#items.keys()]) if (!this.#told.has(key)) this.#remove(key);
      this.#told = undefined;
    }
    // Until everything has been told, what was known before has not been confirmed.
    if (this.#told === undefined) this.#confirmedMs = this.#options.clock.nowMs();
    if (put.length > 0 || removed.length > 0 || isWhole === true) this.#changes += 1;
  }

  #assertCurrent(): void {
    if (!this.isCurrent)
      throw new HoldfastError('peer-unavailable', 'identity was not heard of for too long');
  }

  #put(item: FeedItem): void {
    const key = feedItemKey(item);
    const known = this.#items.get(key);
    // Told again after a connection was made anew: what hangs on the object goes on.
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(item)) return;
    this.#items.set(key, item);
    if (item.kind === 'key')
      this.#verifier.addKey({ id: item.id, publicKey: Buffer.from(item.publicKey, 'base64') });
    else if (item.kind === 'revocation') this.#verifier.revoke(item.revocation);
  }

  #remove(key: string): void {
    const item = this.#items.get(key);
    this.#items.delete(key);
    if (item?.kind === 'key') this.#verifier.removeKey(item.id);
    else if (item?.kind === 'revocation') this.#verifier.revocations.remove(item.revocation.id);
  }
}
