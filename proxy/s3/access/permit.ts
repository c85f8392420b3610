/** Asks leave for what a request wants: docs/formats/access-control.md tells what is asked. */
import type { AccessControlList } from '#proxy/access/acl/access-control-list.ts';
import { privateList } from '#proxy/access/acl/access-control-list.ts';
import { readsObject, type S3Action } from '#proxy/access/actions.ts';
import { isAnonymous } from '#proxy/access/anonymous.ts';
import { decideAccess, type Requester } from '#proxy/access/decide.ts';
import type { Principal } from '#proxy/auth/principal.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { ObjectMetadata } from '#proxy/objects/object-record.ts';
import type { S3Context } from '../context.ts';
import { S3Error } from '../errors.ts';
import type { S3Request } from '../request.ts';
import type { HeaderOf } from './acl-headers.ts';
import { requestConditions } from './request-conditions.ts';

export interface Asked {
  readonly action: S3Action;
  readonly bucketName: string;
  readonly key: string | undefined;
  /** Reads the object that is there; called only when the decision depends on it. */
  object(): Promise<{ readonly metadata: Pick<ObjectMetadata, 'acl' | 'tags'> } | undefined>;
  /** Whether the object is about to be written by who asks, as its own. */
  readonly ownsObject?: boolean;
  /** What the wish says of itself, where that is not in the request's own headers. */
  readonly header?: HeaderOf;
  /** The version that is asked for, where that is not the request's own parameter. */
  readonly version?: { readonly id: string | undefined };
}

export function requesterOf(principal: Principal): Requester {
  const { account, userName, admin, role } = principal;
  const anonymous = isAnonymous(principal);
  return {
    account,
    userName,
    anonymous,
    admin,
    ownsAccount: !anonymous && role === 'owner',
    readsAccount: !anonymous && role === 'reader',
  };
}

/** Whether the principal owns the account, or may do everything in any. */
export function standsFor(principal: Principal, account: string): boolean {
  return principal.admin || (principal.role === 'owner' && principal.account === account);
}

/** Nobody ever said anything about this bucket: it is its owner's, and so is all that is in it. */
export function isOwnersAlone(principal: Principal, bucket: BucketRecord): boolean {
  return bucket.configuration === undefined && standsFor(principal, bucket.owner);
}

/** Throws AccessDenied. An object that is absent is left to the operation to find, when who asks may know of it. */
export async function permit(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
  asked: Asked,
): Promise<void> {
  const { principal } = request;
  if (isOwnersAlone(principal, bucket)) return;
  const rules = context.rules.of(bucket);
  const { action, bucketName, key } = asked;
  const found = readsObject(action) && key !== undefined ? await asked.object() : undefined;
  const verdict = decideAccess({
    who: requesterOf(principal),
    action,
    bucket: rules,
    bucketName,
    key,
    object: found === undefined ? undefined : listOf(found.metadata, bucket),
    ownsObject: asked.ownsObject === true,
    context: requestConditions(
      {
        request,
        header: asked.header ?? ((name) => request.header(name)),
        versionId: asked.version === undefined ? request.query.get('versionId') : asked.version.id,
        existing: () => found?.metadata.tags,
      },
      context.clock.nowMs(),
    ),
  });
  if (verdict === 'deny') throw new S3Error('AccessDenied');
}

export function listOf(metadata: Pick<ObjectMetadata, 'acl'>, bucket: BucketRecord): AccessControlList {
  return metadata.acl ?? privateList(bucket.owner);
}

/** For what is asked of an account and not of a bucket. */
export function requireAccount(request: S3Request, need: 'owns' | 'reads'): void {
  const { ownsAccount, readsAccount } = requesterOf(request.principal);
  if (!ownsAccount && !(need === 'reads' && readsAccount)) throw new S3Error('AccessDenied');
}
