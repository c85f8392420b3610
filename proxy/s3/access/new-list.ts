/** Lists that are about to be given: what a bucket refuses of them, and what a new object begins with. */
import { type AccessControlList, isPrivateOf, isPublicList } from '#proxy/access/acl/access-control-list.ts';
import { isAnonymous } from '#proxy/access/anonymous.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { ObjectMetadata } from '#proxy/objects/object-record.ts';
import type { S3Context } from '../context.ts';
import { S3Error } from '../errors.ts';
import type { S3Request } from '../request.ts';
import { lockOfNewObject } from '../object-lock/lock-headers.ts';
import { parseTaggingHeader } from '../tagging.ts';
import { aclFromHeaders, type HeaderOf } from './acl-headers.ts';

/** Throws AccessDenied, or AccessControlListNotSupported, when the bucket takes no such list. */
export function checkNewList(list: AccessControlList, bucket: BucketRecord, context: S3Context): void {
  const { block, ownership } = context.rules.of(bucket);
  if (block.blockPublicAcls && isPublicList(list)) throw new S3Error('AccessDenied');
  if (ownership !== 'BucketOwnerEnforced') return;
  const own = list.grants.some(
    ({ grantee, permission }) => grantee === bucket.owner && permission === 'FULL_CONTROL',
  );
  // What says only that the bucket's owner has everything may stay: clients send it without a thought.
  if (!own || list.grants.some(({ grantee }) => grantee !== bucket.owner && grantee !== list.owner)) {
    throw new S3Error('AccessControlListNotSupported');
  }
}

/** What the headers of a write say of who may have the object, how it is tagged and what keeps it. */
export function newObjectAccess(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
  header: HeaderOf = (name) => request.header(name),
): Pick<ObjectMetadata, 'acl' | 'tags' | 'lock'> {
  const tagging = header('x-amz-tagging');
  const acl = newObjectList(request, context, bucket, header);
  const tags = tagging === undefined ? [] : parseTaggingHeader(tagging);
  const lock = lockOfNewObject(header, bucket, context.clock.nowMs());
  return {
    ...(acl === undefined ? undefined : { acl }),
    ...(tags.length === 0 ? undefined : { tags }),
    ...(lock === undefined ? undefined : { lock }),
  };
}

/** Undefined when it is the bucket's owner's and nobody else's. */
function newObjectList(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
  header: HeaderOf,
): AccessControlList | undefined {
  const writer = writerOf(request, bucket);
  const list = aclFromHeaders(header, context, writer, bucket.owner);
  if (list === undefined && writer === bucket.owner) return undefined;
  const { ownership } = context.rules.of(bucket);
  if (list !== undefined) checkNewList(list, bucket, context);
  if (ownership === 'BucketOwnerEnforced') return undefined;
  const given = list ?? { owner: writer, grants: [{ grantee: writer, permission: 'FULL_CONTROL' }] };
  const gives = given.grants.some(
    ({ grantee, permission }) => grantee === bucket.owner && permission === 'FULL_CONTROL',
  );
  const owned = ownership === 'BucketOwnerPreferred' && gives ? { ...given, owner: bucket.owner } : given;
  return isPrivateOf(owned, bucket.owner) ? undefined : owned;
}

/** Nobody owns what nobody signed for, and an administrator writes for the bucket's owner. */
function writerOf({ principal }: S3Request, bucket: BucketRecord) {
  return isAnonymous(principal) || principal.admin ? bucket.owner : principal.account;
}
