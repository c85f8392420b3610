/** Changes the documents that a bucket is configured by: docs/formats/access-control.md. */
import type { BucketContext } from './bucket-context.ts';
import { type BucketDirectory, BucketRefusal } from './bucket-directory.ts';
import { type BucketRecord, bucketKey, decodeBucket, encodeBucket } from './bucket-record.ts';

/**
 * Sets a document, or removes it with undefined, in one step; this proxy knows at once, others within a second. Throws
 * BucketRefusal when the bucket is no longer the one that is given, or is being deleted.
 */
export async function configureBucket(
  context: BucketContext,
  directory: BucketDirectory,
  bucket: BucketRecord,
  bucketName: string,
  document: string,
  text: string | undefined,
): Promise<void> {
  const outcome = await context.cluster.records.mutate(bucketKey(bucket.owner, bucketName), (current) => {
    const found = current === undefined ? undefined : decodeBucket(current.content);
    if (found === undefined || found.bucketId !== bucket.bucketId) {
      return { action: 'keep', result: 'missing' as const };
    }
    if (found.deletion !== undefined) return { action: 'keep', result: 'deleting' as const };
    const { [document]: before, ...others } = found.configuration ?? {};
    if (before === text) return { action: 'keep', result: undefined };
    const configuration = { ...others, ...(text === undefined ? undefined : { [document]: text }) };
    return { action: 'write', ...encodeBucket({ ...found, configuration }), result: undefined };
  });
  if (outcome !== undefined) throw new BucketRefusal(outcome);
  directory.revoke();
}
