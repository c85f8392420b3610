/** GetBucketRequestPayment and PutBucketRequestPayment (Amazon S3 API Reference): nobody pays here, but it is remembered. */
import { bucketDocuments } from '#proxy/access/rules-of-bucket.ts';
import { storeBucketDocument } from '../bucket-document.ts';
import { bucketOf } from '../bucket-of.ts';
import { S3Error } from '../errors.ts';
import type { Operation } from '../request.ts';
import { childText, readXml } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';

const BODY_BYTES_MAX = 16 * 1024;

export const getBucketRequestPayment: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const payer = bucket.configuration?.[bucketDocuments.requestPayment] ?? 'BucketOwner';
  request.reply.xml(200, new XmlWriter('RequestPaymentConfiguration').element('Payer', payer).done());
};

export const putBucketRequestPayment: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const root = readXml(await request.openBody(context).readAll(BODY_BYTES_MAX));
  const payer = root.name === 'RequestPaymentConfiguration' ? childText(root, 'Payer')?.trim() : undefined;
  if (payer !== 'BucketOwner' && payer !== 'Requester') throw new S3Error('MalformedXML');
  const text = payer === 'Requester' ? payer : undefined;
  await storeBucketDocument(request, context, bucket, 'requestPayment', text);
  request.reply.empty(200);
};
