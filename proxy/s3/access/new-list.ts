/** Lists that are about to be given: what a bucket refuses of them, and what a new object begins with. */
import {
  type AccessControlList,
  grants,
  isPrivateOf,
  isPublicList,
} from '#proxy/access/acl/access-control-list.ts';
import type { S3Action } from '#proxy/access/actions.ts';
import { isAnonymous } from '#proxy/access/anonymous.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { ObjectMetadata } from '#proxy/objects/object-record.ts';
import type { S3Context } from '../context.ts';
import { S3Error } from '../errors.ts';
import type { S3Request } from '../request.ts';
import { asksForHold, asksForRetention, lockOfNewObject } from '../object-lock/lock-headers.ts';
import { parseTaggingHeader } from '../tagging.ts';
import { aclFromHeaders, type HeaderOf } from './acl-headers.ts';
import { isOwnersAlone, permit, requesterOf } from './permit.ts';

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

/**
 * Asks leave for what the headers of a write say besides its bytes: a list, tags and locks are what operations of their own give, too.
 * Throws AccessDenied.
 */
export async function permitNewAccess(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
  { key, header = (name) => request.header(name) }: { readonly key: string; readonly header?: HeaderOf },
): Promise<void> {
  if (isOwnersAlone(request.principal, bucket)) return;
  const who = requesterOf(request.principal);
  const { list, block } = context.rules.of(bucket);
  // Who writes into another's bucket owns what it writes there; so does whoever the bucket's list lets in, by name or not.
  const ownsObject = who.ownsAccount || grants(list, who, 'WRITE', block.ignorePublicAcls);
  const ask = (action: S3Action) =>
    permit(request, context, bucket, {
      action,
      bucketName: request.bucket,
      key,
      object: async () => ({ metadata: {} }),
      ownsObject,
      header,
      version: { id: undefined },
    });
  if (givesAway(request, context, bucket, header)) await ask('s3:PutObjectAcl');
  if (header('x-amz-tagging') !== undefined) await ask('s3:PutObjectTagging');
  if (asksForRetention(header)) await ask('s3:PutObjectRetention');
  if (asksForHold(header)) await ask('s3:PutObjectLegalHold');
}

/** Whether it asks for a list that counts, and that gives anybody else anything. */
function givesAway(request: S3Request, context: S3Context, bucket: BucketRecord, header: HeaderOf): boolean {
  const writer = writerOf(request, bucket);
  const list = aclFromHeaders(header, context, writer, bucket.owner);
  if (list === undefined || context.rules.of(bucket).ownership === 'BucketOwnerEnforced') return false;
  return !isPrivateOf(list, writer);
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
