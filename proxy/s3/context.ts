/** What the S3 front door works with, built once by the process and passed to every operation. */
import type { Cluster } from '#cluster/cluster.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { AccountStore } from '#proxy/accounts/account-store.ts';
import type { Logger } from '#common/log/logger.ts';
import type { RulesOfBuckets } from '#proxy/access/rules-of-bucket.ts';
import type { AuthenticationOptions } from '#proxy/auth/authentication.ts';
import type { CredentialStore } from '#proxy/auth/credential-store.ts';
import type { BodyContext } from '#proxy/body/body-context.ts';
import type { AnnouncedExpirations } from '#proxy/lifecycle/announced-expiration.ts';
import type { BucketContext } from '#proxy/buckets/bucket-context.ts';
import type { BucketDirectory } from '#proxy/buckets/bucket-directory.ts';

export interface S3Context {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly credentials: CredentialStore;
  readonly authentication: AuthenticationOptions;
  readonly bodies: BodyContext;
  readonly buckets: BucketContext;
  readonly directory: BucketDirectory;
  readonly accounts: AccountStore;
  /** What buckets say about access to them. */
  readonly rules: RulesOfBuckets;
  /** When lifecycle rules have objects expire. */
  readonly expirations: AnnouncedExpirations;
  /** What GetBucketLocation names. */
  readonly region: string;
  /** Lower-case host names under which `bucket.host` addresses a bucket. */
  readonly virtualHosts: readonly string[];
  /** The proxy's name, as `x-amz-id-2` shows it. */
  readonly hostId: string;
  /** Smallest part but the last; 5 MiB, as S3 has it. Tests take less. */
  readonly partBytesMin: number;
}
