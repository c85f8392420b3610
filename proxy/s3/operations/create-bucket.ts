/** CreateBucket (Amazon S3 API Reference). */
import { isBucketName } from '#proxy/buckets/bucket-name.ts';
import { createBucket as create } from '#proxy/buckets/create-bucket.ts';
import type { S3Context } from '../context.ts';
import { notImplemented, S3Error } from '../errors.ts';
import { refuseUnsupported } from '../object-headers.ts';
import type { Operation, S3Request } from '../request.ts';
import { childText, readXml } from '../xml/reader.ts';

const BODY_BYTES_MAX = 64 * 1024;
/** Where a bucket that exists is created again without an error. */
const LENIENT_REGION = 'us-east-1';

export const createBucket: Operation = async (request, context) => {
  const name = request.bucket;
  if (!isBucketName(name)) {
    throw new S3Error('InvalidBucketName', undefined, { fields: { BucketName: name } });
  }
  refuseUnsupported(request.headers);
  if (request.header('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true') {
    throw notImplemented('x-amz-bucket-object-lock-enabled');
  }
  await checkLocation(request, context);
  const outcome = await create(context.buckets, request.principal, name);
  const fields = { BucketName: name };
  if (outcome === 'owned-by-another') throw new S3Error('BucketAlreadyExists', undefined, { fields });
  if (outcome === 'owned-already' && context.region !== LENIENT_REGION) {
    throw new S3Error('BucketAlreadyOwnedByYou', undefined, { fields });
  }
  request.reply.empty(200, ['Location', `/${name}`]);
};

async function checkLocation(request: S3Request, context: S3Context): Promise<void> {
  const body = await request.openBody(context).readAll(BODY_BYTES_MAX);
  if (body.length === 0) return;
  const root = readXml(body);
  if (root.name !== 'CreateBucketConfiguration') throw new S3Error('MalformedXML');
  const constraint = childText(root, 'LocationConstraint')?.trim();
  if (constraint === undefined || constraint === '' || constraint === context.region) return;
  throw new S3Error('InvalidLocationConstraint', undefined, { fields: { LocationConstraint: constraint } });
}
