/** The documents that configure a bucket, as operations read and store them. */
import { bucketDocuments } from '#proxy/access/rules-of-bucket.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { configureBucket } from '#proxy/buckets/configure-bucket.ts';
import type { S3Context } from './context.ts';
import { S3Error, type S3ErrorCode } from './errors.ts';
import type { S3Request } from './request.ts';

export type BucketDocument = keyof typeof bucketDocuments;

/** Throws `absent` when nobody has set it. */
export function readBucketDocument(
  request: S3Request,
  bucket: BucketRecord,
  document: BucketDocument,
  absent: S3ErrorCode,
): string {
  const text = bucket.configuration?.[bucketDocuments[document]];
  if (text === undefined) throw new S3Error(absent, undefined, { fields: { BucketName: request.bucket } });
  return text;
}

/** Removes it with undefined. */
export async function storeBucketDocument(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
  document: BucketDocument,
  text: string | undefined,
): Promise<void> {
  const { buckets, directory } = context;
  await configureBucket(buckets, directory, bucket, request.bucket, bucketDocuments[document], text);
}
