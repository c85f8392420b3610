/** GetObjectLockConfiguration and PutObjectLockConfiguration (Amazon S3 API Reference). */
import { storeBucketDocument } from '../bucket-document.ts';
import { bucketOf } from '../bucket-of.ts';
import { S3Error } from '../errors.ts';
import { bucketLock } from '#proxy/buckets/bucket-lock.ts';
import { bucketLockXml, parseBucketLock } from '../object-lock/bucket-lock.ts';
import type { Operation } from '../request.ts';

const BODY_BYTES_MAX = 64 * 1024;

export const getObjectLockConfiguration: Operation = async (request, context) => {
  const lock = bucketLock(await bucketOf(request, context));
  if (lock !== undefined) return request.reply.xml(200, bucketLockXml(lock));
  const fields = { BucketName: request.bucket };
  throw new S3Error('ObjectLockConfigurationNotFoundError', undefined, { fields });
};

export const putObjectLockConfiguration: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const lock = parseBucketLock(await request.openBody(context).readAll(BODY_BYTES_MAX));
  if (bucket.versioning !== 'enabled')
    throw new S3Error('InvalidBucketState', 'Versioning must be enabled on the bucket to apply object lock');
  await storeBucketDocument(request, context, bucket, 'objectLock', JSON.stringify(lock));
  request.reply.empty(200);
};
