/** Keeps accounts and buckets to what they may hold, at either door: docs/formats/quota-record.md. */
import type { Cluster } from '#cluster/cluster.ts';
import type { SpaceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { accountUsage, containerUsage } from '#control/protocol/account-usage.ts';
import type { AccountStore } from '#proxy/accounts/account-store.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { type Amounts, isUnlimited, type Limits, NOTHING } from './amounts.ts';
import { limitsOfBucket, QuotaLimits } from './quota-limits.ts';
import { reservationKey } from './reservation-record.ts';
import { type Hold, SharedRoom } from './shared-room.ts';

/** Accounts and buckets whose room is remembered. */
const ROOMS_MAX = 10_000;

export interface QuotasParts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly accounts: AccountStore;
}

interface Demand {
  /** Looked up where it is used, with no wait between: one that is idle may be forgotten meanwhile, and another made. */
  readonly room: () => SharedRoom;
  readonly limits: Limits;
}

export class Quotas {
  readonly #parts: QuotasParts;
  readonly #limits: QuotaLimits;
  readonly #holder: string;
  #turn = 0;
  readonly #rooms = new Map<SpaceId, SharedRoom>();

  constructor(parts: QuotasParts) {
    this.#parts = parts;
    this.#limits = new QuotaLimits(parts.cluster, parts.clock, parts.accounts);
    this.#holder = parts.randomness.bytes(8).toString('hex');
  }

  /**
   * Room for an object of so many bytes in the bucket and its account. Undefined where nothing is limited: at once where that is known,
   * which most writes are. Throws QuotaExceeded.
   */
  takeForObject(bucket: BucketRecord, bytes: number): Promise<Hold | undefined> | undefined {
    const ofAccount = this.#limits.known(bucket.owner);
    if (ofAccount !== undefined && !limitsObjects(ofAccount) && isUnlimited(limitsOfBucket(bucket)))
      return undefined;
    return this.#takeForObject(bucket, bytes);
  }

  async #takeForObject(bucket: BucketRecord, bytes: number): Promise<Hold | undefined> {
    return this.#take(await this.#demands(bucket), { bytes, objects: 1, containers: 0 });
  }

  /** Whether such an object would fit if nobody else wrote: before its body is taken in. Throws QuotaExceeded. */
  async checkForObject(bucket: BucketRecord, bytes: number): Promise<void> {
    for (const { room, limits } of await this.#demands(bucket))
      await room().check({ bytes, objects: 1, containers: 0 }, limits);
  }

  /** Whether a bucket more may be one too many. */
  async limitsContainers(account: SpaceId): Promise<boolean> {
    return (await this.#limits.ofAccount(account)).containers !== undefined;
  }

  /** Room for a bucket or container more. Throws QuotaExceeded. */
  async takeForContainer(account: SpaceId): Promise<Hold | undefined> {
    const limits = await this.#limits.ofAccount(account);
    if (limits.containers === undefined) return undefined;
    return this.#take([{ room: () => this.#roomOfAccount(account), limits }], { ...NOTHING, containers: 1 });
  }

  async #demands(bucket: BucketRecord): Promise<Demand[]> {
    const demands: Demand[] = [];
    const ofBucket = limitsOfBucket(bucket);
    if (!isUnlimited(ofBucket)) demands.push({ room: () => this.#roomOfBucket(bucket), limits: ofBucket });
    const ofAccount = await this.#limits.ofAccount(bucket.owner);
    if (limitsObjects(ofAccount))
      demands.push({ room: () => this.#roomOfAccount(bucket.owner), limits: ofAccount });
    return demands;
  }

  async #take(demands: readonly Demand[], wanted: Amounts): Promise<Hold | undefined> {
    const holds: Hold[] = [];
    try {
      for (const { room, limits } of demands) holds.push(await room().take(wanted, limits));
    } catch (error) {
      for (const hold of holds) hold.settle(true);
      throw error;
    }
    return holds.length < 2 ? holds[0] : both(holds);
  }

  #roomOfBucket(bucket: BucketRecord): SharedRoom {
    const { cluster } = this.#parts;
    const { bucketId, shards } = bucket;
    return this.#room(bucketId, async () => ({
      ...(await containerUsage(cluster, { bucketId, shards })),
      containers: 0,
    }));
  }

  #roomOfAccount(account: SpaceId): SharedRoom {
    const { cluster } = this.#parts;
    return this.#room(account, () => accountUsage(cluster, account));
  }

  #room(space: SpaceId, count: () => Promise<Amounts>): SharedRoom {
    const known = this.#rooms.get(space);
    if (known !== undefined) return known;
    if (this.#rooms.size >= ROOMS_MAX) this.#forgetIdle();
    const { cluster, clock } = this.#parts;
    const key = reservationKey(space);
    const nextTurn = (): number => (this.#turn += 1);
    const room = new SharedRoom({ cluster, clock, holder: this.#holder, nextTurn, key, count });
    this.#rooms.set(space, room);
    return room;
  }

  #forgetIdle(): void {
    for (const [space, room] of this.#rooms) if (room.isIdle) this.#rooms.delete(space);
  }
}

function limitsObjects(limits: Limits): boolean {
  return limits.bytes !== undefined || limits.objects !== undefined;
}

function both(holds: readonly Hold[]): Hold {
  return {
    assertHeld() {
      for (const hold of holds) hold.assertHeld();
    },
    settle(isKnown) {
      for (const hold of holds) hold.settle(isKnown);
    },
  };
}
