/** PutBucketAcl and PutObjectAcl (Amazon S3 API Reference): a list by name, by headers, or as a document. */
import type { SpaceId } from '#common/ids.ts';
import { type AccessControlList, isPrivateOf } from '#proxy/access/acl/access-control-list.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { aclFromHeaders } from '../access/acl-headers.ts';
import { parseAclXml } from '../access/acl-xml.ts';
import { checkNewList } from '../access/new-list.ts';
import { listOf } from '../access/permit.ts';
import { storeBucketDocument } from '../bucket-document.ts';
import { bucketOf, leaseOf } from '../bucket-of.ts';
import type { S3Context } from '../context.ts';
import { S3Error } from '../errors.ts';
import { presentObject, rewriteMetadata } from '../object-of.ts';
import type { Operation, S3Request } from '../request.ts';

const BODY_BYTES_MAX = 64 * 1024;

export const putBucketAcl: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const list = await wantedList(request, context, bucket, bucket.owner);
  const text = isPrivateOf(list, bucket.owner) ? undefined : JSON.stringify(list);
  await storeBucketDocument(request, context, bucket, 'acl', text);
  request.reply.empty(200);
};

export const putObjectAcl: Operation = async (request, context) => {
  const lease = await leaseOf(request, context);
  const { bucket } = lease;
  const { metadata } = await presentObject(request, context, bucket);
  const list = await wantedList(request, context, bucket, listOf(metadata, bucket).owner);
  await rewriteMetadata(request, context, lease, ({ acl, ...others }) => {
    // The object may have been written over since, by another, whose it then is.
    if ((acl?.owner ?? bucket.owner) !== list.owner) throw new S3Error('OperationAborted');
    return isPrivateOf(list, bucket.owner) ? others : { ...others, acl: list };
  });
};

async function wantedList(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
  owner: SpaceId,
): Promise<AccessControlList> {
  const header = (name: string) => request.header(name);
  const fromHeaders = aclFromHeaders(header, context, owner, bucket.owner);
  const body = await request.openBody(context).readAll(BODY_BYTES_MAX);
  if (fromHeaders !== undefined && body.length > 0) {
    throw new S3Error('InvalidRequest', 'This request does not support content');
  }
  if (fromHeaders === undefined && body.length === 0) {
    throw new S3Error('MissingSecurityHeader', 'Your request was missing a required header: x-amz-acl');
  }
  const list = fromHeaders ?? parseAclXml(body, context, owner);
  checkNewList(list, bucket, context);
  return list;
}
