/**
 * The actions that a request can ask leave for, and what an access control list says of each
 * (Amazon S3 User Guide, "Access control list (ACL) overview", "Mapping of ACL permissions and access policy permissions").
 */
import type { Permission } from './acl/access-control-list.ts';

export interface AclNeed {
  /** Whose list is asked. */
  readonly list: 'bucket' | 'object';
  readonly permission: Exclude<Permission, 'FULL_CONTROL'>;
}

/** Undefined: no list gives it; the owner and policies do. */
const onBuckets = {
  's3:ListAllMyBuckets': undefined,
  's3:CreateBucket': undefined,
  's3:DeleteBucket': undefined,
  's3:ListBucket': { list: 'bucket', permission: 'READ' },
  's3:ListBucketVersions': { list: 'bucket', permission: 'READ' },
  's3:ListBucketMultipartUploads': { list: 'bucket', permission: 'READ' },
  's3:GetBucketLocation': undefined,
  's3:GetBucketAcl': { list: 'bucket', permission: 'READ_ACP' },
  's3:PutBucketAcl': { list: 'bucket', permission: 'WRITE_ACP' },
  's3:GetBucketPolicy': undefined,
  's3:PutBucketPolicy': undefined,
  's3:DeleteBucketPolicy': undefined,
  's3:GetBucketPolicyStatus': undefined,
  's3:GetBucketPublicAccessBlock': undefined,
  's3:PutBucketPublicAccessBlock': undefined,
  's3:GetBucketOwnershipControls': undefined,
  's3:PutBucketOwnershipControls': undefined,
  's3:GetBucketTagging': undefined,
  's3:PutBucketTagging': undefined,
  's3:GetBucketCORS': undefined,
  's3:PutBucketCORS': undefined,
  's3:GetBucketVersioning': undefined,
  's3:PutBucketVersioning': undefined,
  's3:GetBucketLogging': undefined,
  's3:PutBucketLogging': undefined,
  's3:GetBucketNotification': undefined,
  's3:PutBucketNotification': undefined,
  's3:GetBucketRequestPayment': undefined,
  's3:PutBucketRequestPayment': undefined,
  's3:GetBucketWebsite': undefined,
  's3:PutBucketWebsite': undefined,
  's3:DeleteBucketWebsite': undefined,
  's3:GetLifecycleConfiguration': undefined,
  's3:PutLifecycleConfiguration': undefined,
  's3:GetEncryptionConfiguration': undefined,
  's3:PutEncryptionConfiguration': undefined,
  's3:GetReplicationConfiguration': undefined,
  's3:PutReplicationConfiguration': undefined,
  's3:GetAccelerateConfiguration': undefined,
  's3:PutAccelerateConfiguration': undefined,
  's3:GetBucketObjectLockConfiguration': undefined,
  's3:PutBucketObjectLockConfiguration': undefined,
} as const satisfies Readonly<Record<string, AclNeed | undefined>>;

const onObjects = {
  's3:GetObject': { list: 'object', permission: 'READ' },
  's3:GetObjectVersion': { list: 'object', permission: 'READ' },
  's3:GetObjectAttributes': { list: 'object', permission: 'READ' },
  's3:GetObjectVersionAttributes': { list: 'object', permission: 'READ' },
  's3:PutObject': { list: 'bucket', permission: 'WRITE' },
  's3:DeleteObject': { list: 'bucket', permission: 'WRITE' },
  's3:DeleteObjectVersion': undefined,
  's3:GetObjectAcl': { list: 'object', permission: 'READ_ACP' },
  's3:GetObjectVersionAcl': { list: 'object', permission: 'READ_ACP' },
  's3:PutObjectAcl': { list: 'object', permission: 'WRITE_ACP' },
  's3:PutObjectVersionAcl': { list: 'object', permission: 'WRITE_ACP' },
  's3:GetObjectTagging': undefined,
  's3:GetObjectVersionTagging': undefined,
  's3:PutObjectTagging': undefined,
  's3:PutObjectVersionTagging': undefined,
  's3:DeleteObjectTagging': undefined,
  's3:DeleteObjectVersionTagging': undefined,
  's3:AbortMultipartUpload': { list: 'bucket', permission: 'WRITE' },
  's3:ListMultipartUploadParts': { list: 'bucket', permission: 'WRITE' },
  's3:GetObjectRetention': undefined,
  's3:PutObjectRetention': undefined,
  's3:GetObjectLegalHold': undefined,
  's3:PutObjectLegalHold': undefined,
  's3:BypassGovernanceRetention': undefined,
} as const satisfies Readonly<Record<string, AclNeed | undefined>>;

export type BucketAction = keyof typeof onBuckets;
export type ObjectAction = keyof typeof onObjects;
export type S3Action = BucketAction | ObjectAction;

export function aclNeed(action: S3Action): AclNeed | undefined {
  return isObjectAction(action) ? onObjects[action] : onBuckets[action];
}

export function isObjectAction(action: S3Action): action is ObjectAction {
  return Object.hasOwn(onObjects, action);
}

/** Whether the decision depends on the object that is there: its owner, its list, its tags. */
export function readsObject(action: S3Action): boolean {
  return (
    isObjectAction(action) &&
    !changesBucketOnly.has(action) &&
    (onObjects[action]?.list === 'object' || action.includes('Tagging') || lockActions.has(action))
  );
}

const changesBucketOnly: ReadonlySet<S3Action> = new Set(['s3:PutObject', 's3:DeleteObject']);
const lockActions: ReadonlySet<S3Action> = new Set([
  's3:GetObjectRetention',
  's3:PutObjectRetention',
  's3:GetObjectLegalHold',
  's3:PutObjectLegalHold',
]);

const ofVersions: Readonly<Partial<Record<ObjectAction, ObjectAction>>> = {
  's3:GetObject': 's3:GetObjectVersion',
  's3:GetObjectAttributes': 's3:GetObjectVersionAttributes',
  's3:DeleteObject': 's3:DeleteObjectVersion',
  's3:GetObjectAcl': 's3:GetObjectVersionAcl',
  's3:PutObjectAcl': 's3:PutObjectVersionAcl',
  's3:GetObjectTagging': 's3:GetObjectVersionTagging',
  's3:PutObjectTagging': 's3:PutObjectVersionTagging',
  's3:DeleteObjectTagging': 's3:DeleteObjectVersionTagging',
};

/** The action of a request that names a version. */
export function versionAction(action: S3Action): S3Action {
  return isObjectAction(action) ? (ofVersions[action] ?? action) : action;
}

/** Whether nothing changes by it. */
export function isReading(action: S3Action): boolean {
  return /^s3:(?:Get|List)/.test(action);
}
