/**
 * Buckets by name, as one proxy knows them: what was read is used for one second, which is what DeleteBucket waits
 * (docs/formats/bucket-record.md, "Leases").
 */
import { HoldfastError } from '#common/errors.ts';
import type { SpaceId } from '#common/ids.ts';
import type { WriteLease } from '#proxy/objects/bucket-access.ts';
import { type BucketContext, DELETION_MS_MAX, LEASE_MS } from './bucket-context.ts';
import {
  type BucketRecord,
  bucketKey,
  claimKey,
  decodeBucket,
  decodeClaim,
  encodeBucket,
} from './bucket-record.ts';

const BUCKETS_MAX_DEFAULT = 10_000;

/** Why a bucket cannot be written to, as the protocol tells its client. */
export class BucketRefusal extends HoldfastError {
  readonly reason: 'missing' | 'foreign' | 'deleting';

  constructor(reason: BucketRefusal['reason']) {
    super('aborted', `the bucket is ${reason}`);
    this.reason = reason;
  }
}

interface Cached {
  readonly bucket: BucketRecord;
  /** Monotonic milliseconds, from before the read. */
  readonly readAtMs: number;
  /** The directory's, from before the read. */
  readonly generation: number;
}

export class BucketDirectory {
  readonly #context: BucketContext;
  readonly #bucketsMax: number;
  readonly #cache = new Map<string, Cached>();
  readonly #pending = new Map<string, Promise<Cached | undefined>>();
  /** Raised by every revocation: what was read before it is not to be used any more. */
  #generation = 0;

  constructor(context: BucketContext, bucketsMax: number = BUCKETS_MAX_DEFAULT) {
    this.#context = context;
    this.#bucketsMax = bucketsMax;
  }

  /** The bucket for a read, at most a second old, or undefined. The caller checks whose it is. */
  async find(account: SpaceId, name: string): Promise<BucketRecord | undefined> {
    return (await this.#lookUp(account, name))?.bucket;
  }

  /** Leave to write; undefined when there is no such bucket. Throws BucketRefusal while it is being deleted. */
  async lease(account: SpaceId, name: string): Promise<BucketLease | undefined> {
    const cached = await this.#lookUp(account, name);
    if (cached === undefined) return undefined;
    if (cached.bucket.deletion === undefined) return new BucketLease(this, name, cached);
    await this.#callOffDeadDeletion(name, cached.bucket);
    const again = await this.#read(account, name);
    if (again === undefined) return undefined;
    if (again.bucket.deletion !== undefined) throw new BucketRefusal('deleting');
    return new BucketLease(this, name, again);
  }

  /** Whether `cached` may still be acted on. */
  isFresh(cached: Cached): boolean {
    return (
      cached.generation === this.#generation && this.#context.clock.monotonicMs() - cached.readAtMs < LEASE_MS
    );
  }

  /** Forgets a bucket, also for leases that were given and reads that are under way. */
  revoke(name: string): void {
    this.#generation += 1;
    this.#cache.delete(name);
    this.#pending.delete(name);
  }

  /** Reads the bucket once more, after everything that was done before the call. */
  async readAgain(owner: SpaceId, name: string): Promise<Cached> {
    const cached = await this.#read(owner, name);
    if (cached === undefined) throw new BucketRefusal('missing');
    if (cached.bucket.deletion !== undefined) throw new BucketRefusal('deleting');
    return cached;
  }

  async #lookUp(account: SpaceId, name: string): Promise<Cached | undefined> {
    const cached = this.#cache.get(name);
    if (cached !== undefined && this.isFresh(cached)) return cached;
    const pending = this.#pending.get(name);
    if (pending !== undefined) return pending;
    const reading = this.#read(account, name).finally(() => {
      if (this.#pending.get(name) === reading) this.#pending.delete(name);
    });
    this.#pending.set(name, reading);
    return reading;
  }

  async #read(account: SpaceId, name: string): Promise<Cached | undefined> {
    const { records } = this.#context.cluster;
    const readAtMs = this.#context.clock.monotonicMs();
    const generation = this.#generation;
    let stored = await records.read(bucketKey(account, name));
    if (stored === undefined) {
      const claim = await records.read(claimKey(name));
      if (claim === undefined) return undefined;
      const owner = decodeClaim(claim.content).account;
      if (owner === account) return undefined;
      stored = await records.read(bucketKey(owner, name));
      if (stored === undefined) return undefined;
    }
    const cached = { bucket: decodeBucket(stored.content), readAtMs, generation };
    if (cached.bucket.deletion === undefined && generation === this.#generation) this.#keep(name, cached);
    else this.#cache.delete(name);
    return cached;
  }

  #keep(name: string, cached: Cached): void {
    this.#cache.delete(name);
    if (this.#cache.size >= this.#bucketsMax) {
      const oldest = this.#cache.keys().next();
      if (oldest.done !== true) this.#cache.delete(oldest.value);
    }
    this.#cache.set(name, cached);
  }

  async #callOffDeadDeletion(name: string, bucket: BucketRecord): Promise<void> {
    const nowMs = this.#context.clock.nowMs();
    const id = bucket.deletion?.id;
    if (bucket.deletion === undefined || nowMs - bucket.deletion.startedMs < DELETION_MS_MAX) return;
    await this.#context.cluster.records.mutate(bucketKey(bucket.owner, name), (current) => {
      if (current === undefined) return { action: 'keep', result: undefined };
      const { deletion, ...kept } = decodeBucket(current.content);
      if (deletion?.id !== id) return { action: 'keep', result: undefined };
      return { action: 'write', ...encodeBucket(kept), result: undefined };
    });
  }
}

export class BucketLease implements WriteLease {
  readonly bucket: BucketRecord;
  readonly #directory: BucketDirectory;
  readonly #name: string;
  #cached: Cached;

  constructor(directory: BucketDirectory, name: string, cached: Cached) {
    this.bucket = cached.bucket;
    this.#directory = directory;
    this.#name = name;
    this.#cached = cached;
  }

  isValid(): boolean {
    return this.#directory.isFresh(this.#cached);
  }

  async renew(): Promise<void> {
    const cached = await this.#directory.readAgain(this.bucket.owner, this.#name);
    if (cached.bucket.bucketId !== this.bucket.bucketId) throw new BucketRefusal('missing');
    this.#cached = cached;
  }

  async confirm(): Promise<void> {
    if (!this.isValid()) await this.renew();
  }
}
