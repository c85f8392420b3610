/**
 * PutBucketAcl and PutObjectAcl (Amazon S3 API Reference): the canned list that everything has already is accepted, every
 * other is refused.
 */
import { readObject } from '#proxy/objects/object-store.ts';
import { bucketOf } from '../bucket-of.ts';
import { notImplemented, S3Error } from '../errors.ts';
import { refuseUnsupported } from '../object-headers.ts';
import type { Operation } from '../request.ts';

const BODY_BYTES_MAX = 64 * 1024;

export const putAcl: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  refuseUnsupported(request.headers);
  const body = await request.openBody(context).readAll(BODY_BYTES_MAX);
  if (body.length > 0 || request.header('x-amz-acl') === undefined) throw notImplemented('acl');
  if (request.hasKey && (await readObject(context.cluster, bucket, request.key)) === undefined) {
    throw new S3Error('NoSuchKey', undefined, { fields: { Key: request.key } });
  }
  request.reply.empty(200);
};
