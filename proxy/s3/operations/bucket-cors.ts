/** GetBucketCors and PutBucketCors (Amazon S3 API Reference). */
import { readBucketDocument, storeBucketDocument } from '../bucket-document.ts';
import { bucketOf } from '../bucket-of.ts';
import { parseStoredRules } from '../cors/cors-rules.ts';
import { corsXml, parseCorsXml } from '../cors/cors-xml.ts';
import type { Operation } from '../request.ts';

const BODY_BYTES_MAX = 64 * 1024;

export const getBucketCors: Operation = async (request, context) => {
  const text = readBucketDocument(
    request,
    await bucketOf(request, context),
    'cors',
    'NoSuchCORSConfiguration',
  );
  request.reply.xml(200, corsXml(parseStoredRules(text)));
};

export const putBucketCors: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const rules = parseCorsXml(await request.openBody(context).readAll(BODY_BYTES_MAX));
  await storeBucketDocument(request, context, bucket, 'cors', JSON.stringify(rules));
  request.reply.empty(200);
};
