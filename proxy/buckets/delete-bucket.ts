/** Deletes an empty bucket: docs/formats/bucket-record.md, "Deleting". */
import { recordKinds } from '#common/codec/record-key.ts';
import { emptyUploads } from '#proxy/objects/empty-uploads.ts';
import { type BucketContext, LEASE_WAIT_MS } from './bucket-context.ts';
import type { BucketDirectory } from './bucket-directory.ts';
import {
  type BucketRecord,
  bucketKey,
  claimKey,
  decodeBucket,
  decodeClaim,
  encodeBucket,
} from './bucket-record.ts';

/** `overtaken`: the bucket was created again, or another deletion began, while this one was under way. */
export type DeletionOutcome = 'deleted' | 'missing' | 'not-empty' | 'overtaken';

export async function deleteBucket(
  context: BucketContext,
  directory: BucketDirectory,
  bucket: BucketRecord,
  name: string,
): Promise<DeletionOutcome> {
  // A look first: most deletions of a bucket that holds something need not stop its writers.
  if (await holdsObjects(context, bucket)) return 'not-empty';
  const deletionId = context.randomness.bytes(16).toString('hex');
  const startedMs = context.clock.nowMs();
  if (!(await mark(context, bucket, name, { id: deletionId, startedMs }))) return 'missing';
  directory.revoke();
  let emptied = false;
  try {
    if (!context.onlyProxy) await wait(context, LEASE_WAIT_MS);
    const times = { closedMs: startedMs, nowMs: context.clock.nowMs() };
    emptied = !(await holdsObjects(context, bucket)) && (await emptyUploads(context.cluster, bucket, times));
  } catch (error) {
    await callOff(context, bucket, name, deletionId);
    throw error;
  }
  if (!emptied) {
    await callOff(context, bucket, name, deletionId);
    return 'not-empty';
  }
  const removed = await removeMarked(context, bucket, name, deletionId);
  directory.revoke();
  if (!removed) return 'overtaken';
  await removeClaim(context, bucket, name);
  return 'deleted';
}

async function holdsObjects(context: BucketContext, bucket: BucketRecord): Promise<boolean> {
  const page = await context.cluster.listings.list({
    space: bucket.bucketId,
    kind: recordKinds.object,
    shards: bucket.shards,
    prefix: '',
    delimiter: '',
    limit: 1,
  });
  return page.entries.length > 0;
}

async function mark(
  context: BucketContext,
  bucket: BucketRecord,
  name: string,
  deletion: NonNullable<BucketRecord['deletion']>,
): Promise<boolean> {
  return context.cluster.records.mutate(bucketKey(bucket.owner, name), (current) => {
    const found = current === undefined ? undefined : decodeBucket(current.content);
    if (found === undefined || found.bucketId !== bucket.bucketId) return { action: 'keep', result: false };
    return { action: 'write', ...encodeBucket({ ...found, deletion }), result: true };
  });
}

async function callOff(
  context: BucketContext,
  bucket: BucketRecord,
  name: string,
  deletionId: string,
): Promise<void> {
  await context.cluster.records.mutate(bucketKey(bucket.owner, name), (current) => {
    if (current === undefined) return { action: 'keep', result: undefined };
    const { deletion, ...kept } = decodeBucket(current.content);
    if (deletion?.id !== deletionId) return { action: 'keep', result: undefined };
    return { action: 'write', ...encodeBucket(kept), result: undefined };
  });
}

async function removeMarked(
  context: BucketContext,
  bucket: BucketRecord,
  name: string,
  deletionId: string,
): Promise<boolean> {
  return context.cluster.records.mutate(bucketKey(bucket.owner, name), (current) => {
    const ours = current !== undefined && decodeBucket(current.content).deletion?.id === deletionId;
    return { action: ours ? 'remove' : 'keep', result: ours };
  });
}

async function removeClaim(context: BucketContext, bucket: BucketRecord, name: string): Promise<void> {
  await context.cluster.records.mutate(claimKey(name), (current) => {
    const ours = current !== undefined && decodeClaim(current.content).bucketId === bucket.bucketId;
    return { action: ours ? 'remove' : 'keep', result: undefined };
  });
}

function wait(context: BucketContext, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    context.clock.after(delayMs, resolve);
  });
}
