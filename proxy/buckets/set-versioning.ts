/** Enables or suspends a bucket's versioning: docs/formats/bucket-record.md. */
import { type BucketContext, LEASE_WAIT_MS } from './bucket-context.ts';
import { type BucketDirectory, BucketRefusal } from './bucket-directory.ts';
import {
  type BucketRecord,
  bucketKey,
  decodeBucket,
  encodeBucket,
  type Versioning,
} from './bucket-record.ts';

/**
 * Resolves when no proxy goes by the state before any more: every write that begins later makes versions, or none. Throws
 * BucketRefusal when the bucket is no longer the one that is given, or is being deleted.
 */
export async function setVersioning(
  context: BucketContext,
  directory: BucketDirectory,
  bucket: BucketRecord,
  bucketName: string,
  versioning: Versioning,
): Promise<void> {
  const outcome = await context.cluster.records.mutate(bucketKey(bucket.owner, bucketName), (current) => {
    const found = current === undefined ? undefined : decodeBucket(current.content);
    if (found === undefined || found.bucketId !== bucket.bucketId) {
      return { action: 'keep', result: 'missing' as const };
    }
    if (found.deletion !== undefined) return { action: 'keep', result: 'deleting' as const };
    if (found.versioning === versioning) return { action: 'keep', result: undefined };
    return { action: 'write', ...encodeBucket({ ...found, versioning }), result: undefined };
  });
  if (outcome !== undefined) throw new BucketRefusal(outcome);
  directory.revoke();
  if (context.onlyProxy) return;
  await new Promise<void>((resolve) => {
    context.clock.after(LEASE_WAIT_MS, resolve);
  });
}
