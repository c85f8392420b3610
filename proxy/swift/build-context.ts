/** Puts together what the Swift front door works with. */
import type { KnownIdentity } from '#control/protocol/known-identity.ts';
import { Tokens } from './auth/tokens.ts';
import { bulkLimits } from './bulk/bulk-limits.ts';
import { Slots } from './bulk/slots.ts';
import type { SharedParts, SwiftContext } from './context.ts';

/** @param shared the S3 door's context will do. */
export function buildSwiftContext(
  shared: SharedParts,
  clusterKey: Buffer,
  identity?: KnownIdentity,
): SwiftContext {
  const { cluster, clock, randomness, log, credentials, bodies, buckets, directory, accounts, virtualHosts } =
    shared;
  return {
    cluster,
    clock,
    randomness,
    log,
    credentials,
    bodies,
    buckets,
    directory,
    virtualHosts,
    tokens: new Tokens(clusterKey),
    identity,
    accounts,
    bulkUploads: new Slots(bulkLimits.uploadsMax),
  };
}
