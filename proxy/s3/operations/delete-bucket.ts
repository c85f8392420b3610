/** DeleteBucket (Amazon S3 API Reference). */
import { deleteBucket as remove } from '#proxy/buckets/delete-bucket.ts';
import { bucketOf } from '../bucket-of.ts';
import { S3Error } from '../errors.ts';
import type { Operation } from '../request.ts';

export const deleteBucket: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const outcome = await remove(context.buckets, context.directory, bucket, request.bucket);
  const fields = { BucketName: request.bucket };
  if (outcome === 'not-empty') throw new S3Error('BucketNotEmpty', undefined, { fields });
  if (outcome === 'missing') throw new S3Error('NoSuchBucket', undefined, { fields });
  if (outcome === 'overtaken') throw new S3Error('OperationAborted', undefined, { fields });
  request.reply.empty(204);
};
