/** GetBucketTagging and PutBucketTagging (Amazon S3 API Reference). */
import { parseStoredTags } from '#proxy/objects/tag-set.ts';
import { bucketOf } from '../bucket-of.ts';
import { readBucketDocument, storeBucketDocument } from '../bucket-document.ts';
import type { Operation } from '../request.ts';
import { parseTaggingXml, taggingXml } from '../tagging.ts';

const BODY_BYTES_MAX = 64 * 1024;

export const getBucketTagging: Operation = async (request, context) => {
  const text = readBucketDocument(request, await bucketOf(request, context), 'tagging', 'NoSuchTagSet');
  request.reply.xml(200, taggingXml(parseStoredTags(JSON.parse(text))));
};

export const putBucketTagging: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const tags = parseTaggingXml(await request.openBody(context).readAll(BODY_BYTES_MAX), 'bucket');
  await storeBucketDocument(request, context, bucket, 'tagging', JSON.stringify(tags));
  request.reply.empty(204);
};
