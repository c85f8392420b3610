/** Puts together what the front door works with, from what a process has. */
import type { Cluster } from '#cluster/cluster.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import type { CredentialStore } from '#proxy/auth/credential-store.ts';
import { AccountStore } from '#proxy/accounts/account-store.ts';
import { Quotas } from '#proxy/quota/quotas.ts';
import { AnnouncedExpirations } from '#proxy/lifecycle/announced-expiration.ts';
import { RulesOfBuckets } from '#proxy/access/rules-of-bucket.ts';
import { SigningKeyCache } from '#proxy/auth/signing-key.ts';
import type { BodyContext } from '#proxy/body/body-context.ts';
import { BucketDirectory } from '#proxy/buckets/bucket-directory.ts';
import type { S3Context } from './context.ts';

const PART_BYTES_MIN = 5 * 1024 * 1024;

export interface S3Parts {
  /** The proxy's, as answers show it in `x-amz-id-2`. */
  readonly name: string;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly credentials: CredentialStore;
  readonly bodies: BodyContext;
  readonly region: string;
  readonly virtualHosts: readonly string[];
  /** Index shards of a new bucket, 1 … 1,024. */
  readonly bucketShards: number;
  /** True when no other process serves this cluster's buckets. */
  readonly onlyProxy: boolean;
  /** What a day is to lifecycle rules; 24 hours when left out. */
  readonly lifecycleDayMs?: number;
  /** 5 MiB when left out. */
  readonly partBytesMin?: number;
}

export function buildS3Context(parts: S3Parts): S3Context {
  const { cluster, clock, randomness, bucketShards, onlyProxy, region } = parts;
  const accounts = new AccountStore(cluster, clock);
  const quotas = new Quotas({ cluster, clock, randomness, accounts });
  const buckets = { cluster, clock, randomness, bucketShards, onlyProxy, quotas };
  return {
    cluster,
    clock,
    randomness,
    log: parts.log,
    credentials: parts.credentials,
    authentication: { region, signingKeys: new SigningKeyCache() },
    bodies: parts.bodies,
    buckets,
    accounts,
    directory: new BucketDirectory(buckets),
    rules: new RulesOfBuckets(),
    expirations: new AnnouncedExpirations(parts.lifecycleDayMs),
    region,
    virtualHosts: parts.virtualHosts.map((host) => host.toLowerCase()),
    hostId: Buffer.from(parts.name).toString('base64'),
    partBytesMin: parts.partBytesMin ?? PART_BYTES_MIN,
  };
}
