/** GetObjectTagging, PutObjectTagging and DeleteObjectTagging (Amazon S3 API Reference). */
import { bucketOf, leaseOf } from '../bucket-of.ts';
import { presentObject, rewriteMetadata } from '../object-of.ts';
import type { Operation } from '../request.ts';
import { parseTaggingXml, taggingXml } from '../tagging.ts';

const BODY_BYTES_MAX = 64 * 1024;

export const getObjectTagging: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const { metadata } = await presentObject(request, context, bucket);
  request.reply.xml(200, taggingXml(metadata.tags ?? []));
};

export const putObjectTagging: Operation = async (request, context) => {
  const lease = await leaseOf(request, context);
  const tags = parseTaggingXml(await request.openBody(context).readAll(BODY_BYTES_MAX), 'object');
  await rewriteMetadata(request, context, lease, ({ tags: _before, ...others }) =>
    tags.length === 0 ? others : { ...others, tags },
  );
};

export const deleteObjectTagging: Operation = async (request, context) => {
  const lease = await leaseOf(request, context);
  await rewriteMetadata(request, context, lease, ({ tags: _before, ...others }) => others, 204);
};
