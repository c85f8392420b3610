/** Creates a bucket: docs/formats/bucket-record.md, "Creating". */
import { type SpaceId, spaceId } from '#common/ids.ts';
import type { BucketContext } from './bucket-context.ts';
import {
  type BucketClaim,
  type BucketRecord,
  bucketKey,
  claimKey,
  decodeBucket,
  decodeClaim,
  encodeBucket,
  encodeClaim,
} from './bucket-record.ts';

export type CreationOutcome = 'created' | 'owned-already' | 'owned-by-another';

export interface BucketOwner {
  readonly account: SpaceId;
  readonly accountName: string;
}

export async function createBucket(
  context: BucketContext,
  owner: BucketOwner,
  name: string,
): Promise<CreationOutcome> {
  const claimed = await claimName(context, owner, name);
  if (claimed.claim.account !== owner.account) return 'owned-by-another';
  const bucketId = claimed.made ? claimed.claim.bucketId : newBucketId(context);
  const bucket = await writeBucket(context, owner, name, bucketId);
  if (bucket.record.bucketId !== claimed.claim.bucketId) {
    const aligned = await alignClaim(context, owner, name, bucket.record.bucketId);
    if (!aligned) {
      if (bucket.made) await removeUnclaimed(context, owner, name, bucket.record.bucketId);
      return 'owned-by-another';
    }
  }
  return bucket.made ? 'created' : 'owned-already';
}

function newBucketId(context: BucketContext): SpaceId {
  return spaceId(context.randomness.bytes(16).toString('hex'));
}

async function claimName(
  context: BucketContext,
  owner: BucketOwner,
  name: string,
): Promise<{ claim: BucketClaim; made: boolean }> {
  const fresh = { account: owner.account, bucketId: newBucketId(context) };
  return context.cluster.records.mutate<{ claim: BucketClaim; made: boolean }>(claimKey(name), (current) => {
    if (current !== undefined) {
      return { action: 'keep', result: { claim: decodeClaim(current.content), made: false } };
    }
    return { action: 'write', ...encodeClaim(fresh), result: { claim: fresh, made: true } };
  });
}

interface Written {
  readonly record: BucketRecord;
  readonly made: boolean;
}

async function writeBucket(
  context: BucketContext,
  owner: BucketOwner,
  name: string,
  bucketId: SpaceId,
): Promise<Written> {
  const fresh: BucketRecord = {
    bucketId,
    createdMs: context.clock.nowMs(),
    shards: context.bucketShards,
    owner: owner.account,
    ownerName: owner.accountName,
  };
  return context.cluster.records.mutate<Written>(bucketKey(owner.account, name), (current) => {
    if (current === undefined) {
      return { action: 'write', ...encodeBucket(fresh), result: { record: fresh, made: true } };
    }
    const { deletion, ...record } = decodeBucket(current.content);
    if (deletion === undefined) return { action: 'keep', result: { record, made: false } };
    return { action: 'write', ...encodeBucket(record), result: { record, made: false } };
  });
}

/** False when another account has the name by now. */
async function alignClaim(
  context: BucketContext,
  owner: BucketOwner,
  name: string,
  bucketId: SpaceId,
): Promise<boolean> {
  const aligned = { account: owner.account, bucketId };
  return context.cluster.records.mutate(claimKey(name), (current) => {
    if (current !== undefined) {
      const claim = decodeClaim(current.content);
      if (claim.account !== owner.account) return { action: 'keep', result: false };
      if (claim.bucketId === bucketId) return { action: 'keep', result: true };
    }
    return { action: 'write', ...encodeClaim(aligned), result: true };
  });
}

async function removeUnclaimed(
  context: BucketContext,
  owner: BucketOwner,
  name: string,
  bucketId: SpaceId,
): Promise<void> {
  await context.cluster.records.mutate(bucketKey(owner.account, name), (current) => {
    const ours = current !== undefined && decodeBucket(current.content).bucketId === bucketId;
    return { action: ours ? 'remove' : 'keep', result: undefined };
  });
}
