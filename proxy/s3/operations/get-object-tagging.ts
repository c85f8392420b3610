/** GetObjectTagging (Amazon S3 API Reference): objects cannot be tagged here, so every set is empty. */
import { readObject } from '#proxy/objects/object-store.ts';
import { bucketOf } from '../bucket-of.ts';
import { S3Error } from '../errors.ts';
import type { Operation } from '../request.ts';
import { XmlWriter } from '../xml/writer.ts';

export const getObjectTagging: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  if ((await readObject(context.cluster, bucket, request.key)) === undefined) {
    throw new S3Error('NoSuchKey', undefined, { fields: { Key: request.key } });
  }
  request.reply.xml(200, new XmlWriter('Tagging').open('TagSet').done());
};
