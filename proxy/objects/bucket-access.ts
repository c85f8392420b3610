/** What the objects' room needs to know of the bucket that it works in. */
import { HoldfastError } from '#common/errors.ts';
import type { SpaceId } from '#common/ids.ts';

export interface BucketPlace {
  readonly bucketId: SpaceId;
  readonly shards: number;
  /** Undefined as long as nobody has ever enabled it. */
  readonly versioning?: 'enabled' | 'suspended';
}

/** How a bucket is found again: its id alone does not tell where its record is. */
export interface BucketAddress {
  /** Its owner. */
  readonly account: SpaceId;
  readonly name: string;
}

/** Leave to write to a bucket, for a time: docs/formats/bucket-record.md, "Leases". */
export interface WriteLease {
  /** As it was read last: a decision under a valid lease goes by it. */
  readonly bucket: BucketPlace;
  readonly address: BucketAddress;
  isValid(): boolean;
  /** Reads the bucket again; throws when it is gone, or being deleted. */
  renew(): Promise<void>;
  /**
   * Called when a write is durable, before the client is told. When the time has run out it reads the bucket again, and
   * throws when the bucket may have been found empty and removed in the meantime.
   */
  confirm(): Promise<void>;
  /** Room for one object more, of so many bytes, under the quotas that apply; undefined when none does. Throws QuotaExceeded. */
  takeRoom?(bytes: number): Promise<TakenRoom | undefined> | undefined;
}

/** What a write may add: docs/formats/quota-record.md. */
export interface TakenRoom {
  /** Throws when it is held no more: to be called in the decision. */
  assertHeld(): void;
  /** To be called once, when the write is over: whether it is known to be done or not done. */
  settle(isKnown: boolean): void;
}

const RENEWALS_MAX = 4;

/** Thrown by a decision whose lease has run out: nothing is written. */
class LeaseExpired extends Error {}

/** To be called first in the decision of every mutation under `underLease`. */
export function assertLease(lease: WriteLease): void {
  if (!lease.isValid()) throw new LeaseExpired();
}

/** Runs a mutation under a valid lease, and again under a renewed one when it ran out on the way. */
export async function underLease<Result>(lease: WriteLease, mutate: () => Promise<Result>): Promise<Result> {
  for (let renewals = 0; renewals < RENEWALS_MAX; renewals++) {
    if (!lease.isValid()) await lease.renew();
    try {
      return await mutate();
    } catch (error) {
      if (!(error instanceof LeaseExpired)) throw error;
    }
  }
  throw new HoldfastError('overloaded', 'the lease on the bucket ran out time and again');
}
