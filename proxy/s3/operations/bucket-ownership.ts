/** GetBucketOwnershipControls and PutBucketOwnershipControls (Amazon S3 API Reference). */
import { isPrivateOf } from '#proxy/access/acl/access-control-list.ts';
import { objectOwnerships } from '#proxy/access/public-access-block.ts';
import { readBucketDocument, storeBucketDocument } from '../bucket-document.ts';
import { bucketOf } from '../bucket-of.ts';
import { S3Error } from '../errors.ts';
import type { Operation } from '../request.ts';
import { childOf, childText, readXml } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';

const BODY_BYTES_MAX = 16 * 1024;

export const getBucketOwnershipControls: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const text = readBucketDocument(request, bucket, 'ownership', 'OwnershipControlsNotFoundError');
  const xml = new XmlWriter('OwnershipControls').open('Rule').element('ObjectOwnership', text);
  request.reply.xml(200, xml.done());
};

export const putBucketOwnershipControls: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const root = readXml(await request.openBody(context).readAll(BODY_BYTES_MAX));
  const rule = root.name === 'OwnershipControls' ? childOf(root, 'Rule') : undefined;
  const named = rule === undefined ? undefined : childText(rule, 'ObjectOwnership')?.trim();
  const ownership = objectOwnerships.find((known) => known === named);
  if (ownership === undefined) throw new S3Error('MalformedXML');
  const { list } = context.rules.of(bucket);
  if (ownership === 'BucketOwnerEnforced' && !isPrivateOf(list, bucket.owner)) {
    throw new S3Error('InvalidBucketAclWithObjectOwnership');
  }
  await storeBucketDocument(request, context, bucket, 'ownership', ownership);
  request.reply.empty(200);
};
