/** Follows the identity feed, and keeps what it tells in memory and in a file: docs/formats/identity-feed.md. */
import { Client, type ClientReadableStream, credentials } from '@grpc/grpc-js';
import { errorText, HoldfastError } from '#common/errors.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Address } from '#common/io/network.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { FeedProof, NONCE_BYTES } from './feed-proof.ts';
import {
  type FeedFrame,
  FRAME_BYTES_MAX,
  loadFollowMethod,
  readFeedBody,
  SILENCE_MS_MAX,
} from './identity-feed.ts';
import { IdentityCache } from './identity-cache.ts';
import { KnownIdentity } from './known-identity.ts';

export interface IdentityFollowerOptions {
  readonly feed: Address;
  readonly clusterKey: Buffer;
  /** Where what is known is kept, mode 0600. */
  readonly cacheFile: string;
  /** How long what is known is good after control was heard of last. */
  readonly keepMs: number;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Told once of each time that control cannot be followed. */
  readonly report: (problem: string) => void;
}

const RETRY_MS = [50, 100, 250, 500, 1000] as const;
const SAVE_AFTER_MS = 500;
const SAVE_EVERY_MS = 600_000;

export class IdentityFollower {
  readonly known: KnownIdentity;
  readonly #options: IdentityFollowerOptions;
  readonly #client: Client;
  readonly #method = loadFollowMethod();
  readonly #proof: FeedProof;
  readonly #cache: IdentityCache;
  #stream: ClientReadableStream<FeedFrame> | undefined;
  #retry: Timer | undefined;
  #silence: Timer | undefined;
  #save: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();
  #failures = 0;
  #isSaveNear = false;
  #isClosed = false;
  /** Called when what is known is current. */
  readonly #awaited: (() => void)[] = [];

  private constructor(options: IdentityFollowerOptions) {
    const { feed, clusterKey, clock, keepMs } = options;
    this.#options = options;
    this.known = new KnownIdentity({ clock, keepMs });
    this.#proof = new FeedProof(clusterKey);
    this.#cache = new IdentityCache(options.cacheFile, clusterKey, options.randomness);
    const host = feed.host.includes(':') ? `[${feed.host}]` : feed.host;
    this.#client = new Client(`${host}:${feed.port}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': FRAME_BYTES_MAX,
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 1000,
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Resolves at once with what was kept; control is heard of when it answers. Never throws. */
  static async open(options: IdentityFollowerOptions): Promise<IdentityFollower> {
    const follower = new IdentityFollower(options);
    try {
      const kept = await follower.#cache.load();
      if (kept !== undefined) follower.known.restore(kept.items, kept.confirmedMs);
    } catch (error) {
      options.report(`${options.cacheFile}: ${errorText(error)}`);
    }
    follower.#follow();
    follower.#planSave(SAVE_EVERY_MS);
    return follower;
  }

  /** Resolves when what is known is current, as it is at once after a restart; or when that has not come about in `msMax`. */
  async current(msMax: number): Promise<void> {
    if (this.known.isCurrent) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(msMax, resolve);
    this.#awaited.push(resolve);
    await promise;
    timer.cancel();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const resolve of this.#awaited.splice(0)) resolve();
    for (const timer of [this.#retry, this.#silence, this.#save]) timer?.cancel();
    this.#stream?.cancel();
    this.#client.close();
    await this.#saving;
    if (this.known.changes > 0) await this.#write();
  }

  #follow(): void {
    const { randomness, clock } = this.#options;
    const nonce = randomness.bytes(NONCE_BYTES);
    const { path, requestSerialize, responseDeserialize } = this.#method;
    const request = this.#proof.request(nonce, clock.nowMs());
    const stream = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    let number = 0;
    this.#stream = stream;
    this.#expectWord(stream);
    stream.on('data', (frame: FeedFrame) => {
      if (stream !== this.#stream) return;
      try {
        if (!this.#proof.isFrame(frame, nonce, number)) throw new HoldfastError('peer-unauthenticated');
        number += 1;
        this.#take(frame);
        this.#expectWord(stream);
      } catch (error) {
        this.#broken(stream, errorText(error));
      }
    });
    stream.on('error', (error: Error) => this.#broken(stream, error.message));
    stream.on('end', () => this.#broken(stream, 'control ended the feed'));
  }

  #take(frame: FeedFrame): void {
    const before = this.known.changes;
    this.known.apply(readFeedBody(frame.body));
    this.#failures = 0;
    if (this.known.changes !== before) this.#planSave(SAVE_AFTER_MS);
    if (this.known.isCurrent) for (const resolve of this.#awaited.splice(0)) resolve();
  }

  #expectWord(stream: ClientReadableStream<FeedFrame>): void {
    this.#silence?.cancel();
    this.#silence = this.#options.clock.after(SILENCE_MS_MAX, () =>
      this.#broken(stream, 'control says nothing'),
    );
  }

  #broken(stream: ClientReadableStream<FeedFrame>, why: string): void {
    if (this.#isClosed || stream !== this.#stream) return;
    this.#stream = undefined;
    this.#silence?.cancel();
    stream.cancel();
    if (this.#failures === 0) this.#options.report(why);
    const delayMs = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 0;
    this.#failures += 1;
    this.#retry = this.#options.clock.after(delayMs, () => this.#follow());
  }

  /** The earlier of what is planned already and this. */
  #planSave(afterMs: number): void {
    if (afterMs === SAVE_AFTER_MS && this.#isSaveNear) return;
    this.#isSaveNear = afterMs === SAVE_AFTER_MS;
    this.#save?.cancel();
    this.#save = this.#options.clock.after(afterMs, () => {
      this.#isSaveNear = false;
      this.#saving = this.#saving.then(() => this.#write());
      this.#planSave(SAVE_EVERY_MS);
    });
  }

  async #write(): Promise<void> {
    const { known } = this;
    // Nothing has been heard yet that would be worth keeping.
    if (!Number.isFinite(known.confirmedMs)) return;
    try {
      await this.#cache.save({ items: known.items(), confirmedMs: known.confirmedMs });
    } catch (error) {
      this.#options.report(`${this.#options.cacheFile}: ${errorText(error)}`);
    }
  }
}
