/** What the Swift front door works with, built once by the process and passed to every operation. */
import type { Cluster } from '#cluster/cluster.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import type { AccountStore } from '#proxy/accounts/account-store.ts';
import type { CredentialStore } from '#proxy/auth/credential-store.ts';
import type { KnownIdentity } from '#control/protocol/known-identity.ts';
import type { BodyContext } from '#proxy/body/body-context.ts';
import type { BucketContext } from '#proxy/buckets/bucket-context.ts';
import type { BucketDirectory } from '#proxy/buckets/bucket-directory.ts';
import type { Tokens } from './auth/tokens.ts';
import type { Slots } from './bulk/slots.ts';

export interface SwiftContext {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly credentials: CredentialStore;
  readonly tokens: Tokens;
  /** Undefined where only the users file's users are known. */
  readonly identity: KnownIdentity | undefined;
  readonly bodies: BodyContext;
  readonly buckets: BucketContext;
  /** The same as the S3 door's: what one changes the other must not go on remembering. */
  readonly directory: BucketDirectory;
  readonly accounts: AccountStore;
  /** Archives that are being unpacked. */
  readonly bulkUploads: Slots;
  /** Lower-case host names under which `bucket.host` is S3's, whatever its path. */
  readonly virtualHosts: readonly string[];
}

/** What this door shares with the other. */
export type SharedParts = Omit<SwiftContext, 'tokens' | 'identity' | 'bulkUploads'>;
