/**
 * Buckets by account and name, as one proxy knows them: what was read is used for one second, which is what DeleteBucket waits
 * (docs/formats/bucket-record.md, "Leases").
 */
import { HoldfastError } from '#common/errors.ts';
import type { SpaceId } from '#common/ids.ts';
import type { BucketAddress, TakenRoom, WriteLease } from '#proxy/objects/bucket-access.ts';
import type { Quotas } from '#proxy/quota/quotas.ts';
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

  /**
   * The bucket for a read, at most a second old, or undefined: the account's own, or else the one that has claimed the
   * name. The caller checks whose it is. `account` is undefined for somebody without one.
   */
  async find(account: SpaceId | undefined, name: string): Promise<BucketRecord | undefined> {
    return (await this.#lookUp(account, name))?.bucket;
  }

  /** The same, where that takes no reading. */
  known(account: SpaceId | undefined, name: string): BucketRecord | undefined {
    return this.#fresh(placeOf(account, name))?.bucket;
  }

  #fresh(place: string): Cached | undefined {
    const cached = this.#cache.get(place);
    return cached !== undefined && this.isFresh(cached) ? cached : undefined;
  }

  /** The account's own bucket for a read, at most a second old, whoever has claimed its name. */
  async findOwn(account: SpaceId, name: string): Promise<BucketRecord | undefined> {
    const bucket = await this.find(account, name);
    if (bucket === undefined || bucket.owner === account) return bucket;
    // Another's bucket may be what was here a moment ago, when the account had none of that name yet.
    return await this.readOwn(account, name);
  }

  /** The account's own bucket as it is now: for whoever shows or changes what it holds besides objects. */
  async readOwn(account: SpaceId, name: string): Promise<BucketRecord | undefined> {
    const stored = await this.#context.cluster.records.read(bucketKey(account, name));
    return stored === undefined ? undefined : decodeBucket(stored.content);
  }

  /** Leave to write, where that takes no reading. */
  knownLease(account: SpaceId | undefined, name: string): BucketLease | undefined {
    const cached = this.#fresh(placeOf(account, name));
    if (cached === undefined || cached.bucket.deletion !== undefined) return undefined;
    return new BucketLease(this, name, cached);
  }

  /** Leave to write; undefined when there is no such bucket. Throws BucketRefusal while it is being deleted. */
  async lease(account: SpaceId | undefined, name: string): Promise<BucketLease | undefined> {
    const cached = await this.#lookUp(account, name);
    if (cached === undefined) return undefined;
    if (cached.bucket.deletion === undefined) return new BucketLease(this, name, cached);
    await this.#callOffDeadDeletion(name, cached.bucket);
    const again = await this.#read(account, name);
    if (again === undefined) return undefined;
    if (again.bucket.deletion !== undefined) throw new BucketRefusal('deleting');
    return new BucketLease(this, name, again);
  }

  /** The same for the account's own bucket only. */
  async leaseOwn(account: SpaceId, name: string): Promise<BucketLease | undefined> {
    const lease = await this.lease(account, name);
    if (lease === undefined || lease.bucket.owner === account) return lease;
    this.#cache.delete(placeOf(account, name));
    const again = await this.lease(account, name);
    return again?.bucket.owner === account ? again : undefined;
  }

  /** Whether `cached` may still be acted on. */
  isFresh(cached: Cached): boolean {
    return (
      cached.generation === this.#generation && this.#context.clock.monotonicMs() - cached.readAtMs < LEASE_MS
    );
  }

  get quotas(): Quotas | undefined {
    return this.#context.quotas;
  }

  /** Forgets what is known, also for leases that were given and reads that are under way: a bucket has changed. */
  revoke(): void {
    this.#generation += 1;
    this.#cache.clear();
    this.#pending.clear();
  }

  /** Reads the bucket once more, after everything that was done before the call. */
  async readAgain(owner: SpaceId, name: string): Promise<Cached> {
    const cached = await this.#read(owner, name);
    if (cached === undefined) throw new BucketRefusal('missing');
    if (cached.bucket.deletion !== undefined) throw new BucketRefusal('deleting');
    return cached;
  }

  async #lookUp(account: SpaceId | undefined, name: string): Promise<Cached | undefined> {
    const place = placeOf(account, name);
    const cached = this.#fresh(place);
    if (cached !== undefined) return cached;
    const pending = this.#pending.get(place);
    if (pending !== undefined) return pending;
    const reading = this.#read(account, name).finally(() => {
      if (this.#pending.get(place) === reading) this.#pending.delete(place);
    });
    this.#pending.set(place, reading);
    return reading;
  }

  async #read(account: SpaceId | undefined, name: string): Promise<Cached | undefined> {
    const readAtMs = this.#context.clock.monotonicMs();
    const generation = this.#generation;
    const bucket = await this.#readOwnOrClaimed(account, name);
    if (bucket === undefined) return undefined;
    const cached = { bucket, readAtMs, generation };
    const place = placeOf(account, name);
    if (bucket.deletion === undefined && generation === this.#generation) this.#keep(place, cached);
    else this.#cache.delete(place);
    return cached;
  }

  async #readOwnOrClaimed(account: SpaceId | undefined, name: string): Promise<BucketRecord | undefined> {
    const own = account === undefined ? undefined : await this.readOwn(account, name);
    if (own !== undefined) return own;
    const claim = await this.#context.cluster.records.read(claimKey(name));
    if (claim === undefined) return undefined;
    const owner = decodeClaim(claim.content).account;
    return owner === account ? undefined : await this.readOwn(owner, name);
  }

  #keep(place: string, cached: Cached): void {
    this.#cache.delete(place);
    if (this.#cache.size >= this.#bucketsMax) {
      const oldest = this.#cache.keys().next();
      if (oldest.done !== true) this.#cache.delete(oldest.value);
    }
    this.#cache.set(place, cached);
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

/** Where a bucket is looked for: the same name is another bucket to another account, when that has one of its own. */
function placeOf(account: SpaceId | undefined, name: string): string {
  return `${account ?? ''}/${name}`;
}

export class BucketLease implements WriteLease {
  readonly #directory: BucketDirectory;
  readonly #name: string;
  #cached: Cached;

  constructor(directory: BucketDirectory, name: string, cached: Cached) {
    this.#directory = directory;
    this.#name = name;
    this.#cached = cached;
  }

  get bucket(): BucketRecord {
    return this.#cached.bucket;
  }

  get address(): BucketAddress {
    return { account: this.bucket.owner, name: this.#name };
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

  takeRoom(bytes: number): Promise<TakenRoom | undefined> | undefined {
    return this.#directory.quotas?.takeForObject(this.bucket, bytes);
  }

  /** Whether there would be room if nobody else wrote: to be asked before a long body is taken in. Throws QuotaExceeded. */
  async checkRoom(bytes: number): Promise<void> {
    await this.#directory.quotas?.checkForObject(this.bucket, bytes);
  }
}
