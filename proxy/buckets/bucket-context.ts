/** What the buckets' room works with, built once by the process. */
import type { Cluster } from '#cluster/cluster.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Quotas } from '#proxy/quota/quotas.ts';

export interface BucketContext {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Index shards of a new bucket, 1 … 1,024. */
  readonly bucketShards: number;
  /** True when no other process serves this cluster's buckets: a deletion then has no other's lease to wait out. */
  readonly onlyProxy: boolean;
  /** What accounts and buckets may hold; nothing is limited when left out. */
  readonly quotas?: Quotas;
}

/** How long a proxy uses what it read of a bucket. */
export const LEASE_MS = 1000;
/** Clocks of two machines may differ in rate; nobody's second is this long. */
export const LEASE_WAIT_MS = 1250;
/** A deletion that has not finished by then has died with its proxy, and the next write calls it off. */
export const DELETION_MS_MAX = 60_000;
