/** Large objects that were made through Swift, as S3 reads them: whole. */
import { isLarge, representationOf, SegmentError } from '#proxy/large-objects/representation.ts';
import type { BodySource } from '#proxy/objects/body-source.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { ObjectRecord } from '#proxy/objects/object-record.ts';
import { standsFor } from './access/permit.ts';
import type { S3Context } from './context.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

export interface WholeObject {
  /** With the ETag and the size of what the segments make together. */
  readonly record: ObjectRecord;
  readonly source: BodySource;
}

/**
 * Undefined for an object that has a body of its own. The segments are read by the leave of the account that owns the
 * bucket: others are refused, as their rights are told in Swift's lists. Throws AccessDenied, and OperationAborted (409)
 * for a segment that is not what the manifest says.
 */
export async function wholeObject(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
  record: ObjectRecord,
): Promise<WholeObject | undefined> {
  if (!isLarge(record)) return undefined;
  if (!standsFor(request.principal, bucket.owner)) throw new S3Error('AccessDenied');
  const reader = {
    cluster: context.cluster,
    nowMs: context.clock.nowMs(),
    container: (name: string) => context.directory.findOwn(bucket.owner, name),
  };
  const { etag, source } = await segmentsOf(representationOf(reader, record));
  const metadata = { ...record.metadata, etag, sizeBytes: source.sizeBytes };
  return { record: { ...record, metadata }, source };
}

export async function segmentsOf<Result>(reading: Promise<Result>): Promise<Result> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof SegmentError)) throw error;
    throw new S3Error('OperationAborted', 'A segment of the object is not what its manifest says.', {
      cause: error,
    });
  }
}
