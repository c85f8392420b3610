/**
 * May this principal do this? Pure: what a request is, what the bucket says, and what the object says go in; the answer comes
 * out (Amazon S3 User Guide, "How Amazon S3 authorizes a request").
 */
import type { SpaceId } from '#common/ids.ts';
import { type AccessControlList, grants } from './acl/access-control-list.ts';
import { aclNeed, isObjectAction, isReading, readsObject, type S3Action } from './actions.ts';
import type { BucketRules } from './bucket-rules.ts';
import type { ContextOf } from './policy/condition.ts';
import { evaluatePolicy } from './policy/evaluate-policy.ts';

/** Who asks. */
export interface Requester {
  readonly account: SpaceId;
  readonly userName: string;
  readonly anonymous: boolean;
  /** May do everything everywhere. */
  readonly admin: boolean;
  /** Has, of everything that belongs to the account, what the account has. Others have only what they are given. */
  readonly ownsAccount: boolean;
  /** May read everything that belongs to the account, as far as no policy refuses it. */
  readonly readsAccount: boolean;
}

export interface AccessQuestion {
  readonly who: Requester;
  readonly action: S3Action;
  readonly bucket: BucketRules;
  readonly bucketName: string;
  readonly key: string | undefined;
  /** The list of the object that is there; undefined when there is none, or when it does not matter. */
  readonly object: AccessControlList | undefined;
  /** Whether the object is about to be written by who asks, as its own. */
  readonly ownsObject?: boolean;
  readonly context: ContextOf;
}

export type Verdict =
  | 'allow'
  | 'deny'
  /** There is no such object, and who asks may know it. */
  | 'absent';

/** What an owner can always do, so that a policy cannot lock out whoever could take it back. */
const neverLockedOut: ReadonlySet<S3Action> = new Set([
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
]);

export function decideAccess(question: AccessQuestion): Verdict {
  const { who, action, bucket } = question;
  if (who.admin) return known(question);
  const ownsBucket = who.ownsAccount && who.account === bucket.owner;
  const readsBucket = who.readsAccount && who.account === bucket.owner && isReading(action);
  if (ownsBucket && neverLockedOut.has(action)) return 'allow';
  const verdict = policyVerdict(question, action);
  if (verdict === 'deny') return 'deny';
  if (question.object === undefined && readsObject(action))
    return absentObject(question, ownsBucket || readsBucket);
  const objectOwner = ownerOf(question);
  if ((ownsBucket || readsBucket) && (objectOwner === bucket.owner || !readsObject(action))) return 'allow';
  // A bucket's policy speaks for its owner: of another's object it gives nothing.
  if (verdict === 'allow' && objectOwner === bucket.owner && countsPolicy(question)) return 'allow';
  if (ownsAnothersObject(question, objectOwner)) return 'allow';
  return listAllows(question) ? 'allow' : 'deny';
}

function known({ action, object }: AccessQuestion): Verdict {
  return object === undefined && readsObject(action) ? 'absent' : 'allow';
}

/** Only who may list the bucket is told that an object is not there. */
function absentObject(question: AccessQuestion, ownsBucket: boolean): Verdict {
  if (ownsBucket) return 'absent';
  const listing: AccessQuestion = { ...question, action: 's3:ListBucket', key: undefined, object: undefined };
  const verdict = policyVerdict(listing, 's3:ListBucket');
  if (verdict === 'deny') return 'deny';
  const allowed = (verdict === 'allow' && countsPolicy(question)) || listAllows(listing);
  return allowed ? 'absent' : 'deny';
}

function policyVerdict(question: AccessQuestion, action: S3Action): 'allow' | 'deny' | 'silent' {
  const { who, bucket, bucketName, key, context } = question;
  if (bucket.policy === undefined) return 'silent';
  const resource = key !== undefined && isObjectAction(action) ? `${bucketName}/${key}` : bucketName;
  const principal = who.anonymous ? undefined : { account: who.account, userName: who.userName };
  return evaluatePolicy(bucket.policy, { principal, action, resource, context });
}

/** RestrictPublicBuckets leaves a public policy to the owner's account. */
function countsPolicy({ who, bucket }: AccessQuestion): boolean {
  if (!bucket.block.restrictPublicBuckets || bucket.policy?.isPublic !== true) return true;
  return !who.anonymous && who.account === bucket.owner;
}

function ownerOf({ bucket, object }: AccessQuestion): SpaceId {
  return object === undefined || bucket.ownership === 'BucketOwnerEnforced' ? bucket.owner : object.owner;
}

/** What the owner of an object in another's bucket may do whatever the object's list says. */
const objectOwnersActions: ReadonlySet<S3Action> = new Set([
  ...(['s3:GetObjectAcl', 's3:GetObjectVersionAcl', 's3:PutObjectAcl', 's3:PutObjectVersionAcl'] as const),
  ...(['s3:GetObjectTagging', 's3:PutObjectTagging', 's3:DeleteObjectTagging'] as const),
]);

function ownsAnothersObject({ who, action, ownsObject }: AccessQuestion, objectOwner: SpaceId): boolean {
  if (!objectOwnersActions.has(action)) return false;
  return ownsObject === true || (who.ownsAccount && who.account === objectOwner);
}

function listAllows({ who, action, bucket, object }: AccessQuestion): boolean {
  const need = aclNeed(action);
  if (need === undefined || bucket.ownership === 'BucketOwnerEnforced') return false;
  const list = need.list === 'bucket' ? bucket.list : object;
  return list !== undefined && grants(list, who, need.permission, bucket.block.ignorePublicAcls);
}
