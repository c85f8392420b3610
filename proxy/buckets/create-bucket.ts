/** Creates a bucket or a container: docs/formats/bucket-record.md, "Creating". */
import { type SpaceId, spaceId } from '#common/ids.ts';
import type { BucketContext } from './bucket-context.ts';
import {
  type BucketClaim,
  type BucketRecord,
  type ContainerFields,
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

/**
 * @param configuration what a new bucket begins with, as with `versioning`; one that is there already keeps its own.
 * Throws QuotaExceeded.
 */
export async function createBucket(
  context: BucketContext,
  owner: BucketOwner,
  name: string,
  configuration?: BucketRecord['configuration'],
  versioning?: BucketRecord['versioning'],
): Promise<CreationOutcome> {
  return withRoom(context, owner, name, () => createWithin(context, owner, name, configuration, versioning));
}

async function createWithin(
  context: BucketContext,
  owner: BucketOwner,
  name: string,
  configuration: BucketRecord['configuration'],
  versioning: BucketRecord['versioning'],
): Promise<CreationOutcome> {
  const claimed = await claimName(context, owner, name);
  if (claimed.claim.account !== owner.account) return 'owned-by-another';
  const bucketId = claimed.made ? claimed.claim.bucketId : newBucketId(context);
  const bucket = await writeBucket(context, owner, name, bucketId, unchanged, configuration, versioning);
  if (bucket.record.bucketId !== claimed.claim.bucketId) {
    const aligned = await alignClaim(context, owner, name, bucket.record.bucketId);
    if (!aligned) {
      if (bucket.made) await removeUnclaimed(context, owner, name, bucket.record.bucketId);
      return 'owned-by-another';
    }
  }
  return bucket.made ? 'created' : 'owned-already';
}

export interface CreatedContainer {
  readonly made: boolean;
  readonly record: BucketRecord;
}

export interface ContainerOptions {
  readonly claims: boolean;
  readonly change: (container: ContainerFields | undefined, nowMs: number) => ContainerFields | undefined;
}

/**
 * Creates a bucket that exists in its account whoever has claimed its name; it takes the claim too when it is free and
 * `claims` (docs/formats/bucket-record.md, "Containers"). `change` gives what is to be kept of a new or an existing one; it
 * may be called more than once and may throw. Throws QuotaExceeded.
 */
export async function createContainer(
  context: BucketContext,
  owner: BucketOwner,
  name: string,
  options: ContainerOptions,
): Promise<CreatedContainer> {
  return withRoom(context, owner, name, () => createContainerWithin(context, owner, name, options));
}

async function createContainerWithin(
  context: BucketContext,
  owner: BucketOwner,
  name: string,
  options: ContainerOptions,
): Promise<CreatedContainer> {
  const claimed = options.claims ? await claimName(context, owner, name) : undefined;
  const bucketId = claimed?.made === true ? claimed.claim.bucketId : newBucketId(context);
  const written = await writeBucket(context, owner, name, bucketId, options.change);
  const ours = claimed !== undefined && claimed.claim.account === owner.account;
  if (ours && claimed.claim.bucketId !== written.record.bucketId)
    await alignClaim(context, owner, name, written.record.bucketId);
  return written;
}

/** A bucket that is there already takes no room. Before the name is claimed: a refusal leaves nothing behind. */
async function withRoom<Result>(
  context: BucketContext,
  owner: BucketOwner,
  name: string,
  create: () => Promise<Result>,
): Promise<Result> {
  const { quotas, cluster } = context;
  if (quotas === undefined || !(await quotas.limitsContainers(owner.account))) return create();
  if ((await cluster.records.read(bucketKey(owner.account, name))) !== undefined) return create();
  const room = await quotas.takeForContainer(owner.account);
  try {
    const created = await create();
    room?.settle(true);
    return created;
  } catch (error) {
    room?.settle(false);
    throw error;
  }
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
  change: (container: ContainerFields | undefined, nowMs: number) => ContainerFields | undefined,
  configuration?: BucketRecord['configuration'],
  versioning?: BucketRecord['versioning'],
): Promise<Written> {
  const nowMs = context.clock.nowMs();
  const fresh: BucketRecord = {
    bucketId,
    createdMs: nowMs,
    shards: context.bucketShards,
    owner: owner.account,
    ownerName: owner.accountName,
    ...(configuration === undefined ? undefined : { configuration }),
    ...(versioning === undefined ? undefined : { versioning }),
  };
  return context.cluster.records.mutate<Written>(bucketKey(owner.account, name), (current) => {
    const found = current === undefined ? undefined : decodeBucket(current.content);
    const { deletion, container: before, ...kept } = found ?? fresh;
    const container = change(before, nowMs);
    const record = { ...kept, ...(container === undefined ? undefined : { container }) };
    const made = found === undefined;
    if (!made && deletion === undefined && container === before)
      return { action: 'keep', result: { record, made } };
    return { action: 'write', ...encodeBucket(record), result: { record, made } };
  });
}

function unchanged(container: ContainerFields | undefined): ContainerFields | undefined {
  return container;
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
