/** GetBucketAcl and GetObjectAcl (Amazon S3 API Reference). */
import { privateList } from '#proxy/access/acl/access-control-list.ts';
import { aclXml } from '../access/acl-xml.ts';
import { listOf } from '../access/permit.ts';
import { bucketOf } from '../bucket-of.ts';
import { presentObject } from '../object-of.ts';
import type { Operation } from '../request.ts';

export const getBucketAcl: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const { list, ownership } = context.rules.of(bucket);
  const shown = ownership === 'BucketOwnerEnforced' ? privateList(bucket.owner) : list;
  request.reply.xml(200, aclXml(context, shown));
};

export const getObjectAcl: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const { metadata } = await presentObject(request, context, bucket);
  const enforced = context.rules.of(bucket).ownership === 'BucketOwnerEnforced';
  const shown = enforced ? privateList(bucket.owner) : listOf(metadata, bucket);
  request.reply.xml(200, aclXml(context, shown));
};
