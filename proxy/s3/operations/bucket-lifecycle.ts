/** GetBucketLifecycleConfiguration and PutBucketLifecycleConfiguration (Amazon S3 API Reference). */
import { noteLifecycle } from '#proxy/lifecycle/lifecycle-record.ts';
import { readBucketDocument, storeBucketDocument } from '../bucket-document.ts';
import { bucketOf } from '../bucket-of.ts';
import { type LifecycleElement, lifecycleXml, parseLifecycle } from '../lifecycle/lifecycle-rules.ts';
import type { Operation } from '../request.ts';

const BODY_BYTES_MAX = 256 * 1024;

export const getBucketLifecycle: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const text = readBucketDocument(request, bucket, 'lifecycle', 'NoSuchLifecycleConfiguration');
  request.reply.xml(200, lifecycleXml(JSON.parse(text) as LifecycleElement[]));
};

export const putBucketLifecycle: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const body = await request.openBody(context).readAll(BODY_BYTES_MAX);
  const rules = parseLifecycle(body, () => context.randomness.bytes(16).toString('hex'));
  await noteLifecycle(context.cluster, { account: bucket.owner, name: request.bucket });
  await storeBucketDocument(request, context, bucket, 'lifecycle', JSON.stringify(rules));
  request.reply.empty(200);
};
