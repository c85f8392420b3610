/** GetPublicAccessBlock and PutPublicAccessBlock (Amazon S3 API Reference). */
import { type PublicAccessBlock, noPublicAccessBlock } from '#proxy/access/public-access-block.ts';
import { readBucketDocument, storeBucketDocument } from '../bucket-document.ts';
import { bucketOf } from '../bucket-of.ts';
import { S3Error } from '../errors.ts';
import type { Operation } from '../request.ts';
import { childText, readXml } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';

const BODY_BYTES_MAX = 16 * 1024;
const elements = {
  blockPublicAcls: 'BlockPublicAcls',
  ignorePublicAcls: 'IgnorePublicAcls',
  blockPublicPolicy: 'BlockPublicPolicy',
  restrictPublicBuckets: 'RestrictPublicBuckets',
} as const satisfies Readonly<Record<keyof PublicAccessBlock, string>>;
const names = Object.keys(elements) as (keyof PublicAccessBlock)[];

export const getPublicAccessBlock: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  readBucketDocument(request, bucket, 'publicAccessBlock', 'NoSuchPublicAccessBlockConfiguration');
  const { block } = context.rules.of(bucket);
  const xml = new XmlWriter('PublicAccessBlockConfiguration');
  for (const name of names) xml.element(elements[name], block[name]);
  request.reply.xml(200, xml.done());
};

export const putPublicAccessBlock: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const root = readXml(await request.openBody(context).readAll(BODY_BYTES_MAX));
  if (root.name !== 'PublicAccessBlockConfiguration') throw new S3Error('MalformedXML');
  const block: Record<keyof PublicAccessBlock, boolean> = { ...noPublicAccessBlock };
  for (const name of names) {
    const text = childText(root, elements[name])?.trim().toLowerCase() ?? 'false';
    if (text !== 'true' && text !== 'false') throw new S3Error('MalformedXML');
    block[name] = text === 'true';
  }
  await storeBucketDocument(request, context, bucket, 'publicAccessBlock', JSON.stringify(block));
  request.reply.empty(200);
};
