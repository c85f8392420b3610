/** The bucket that a request names, for those who may use it. */
import type { SpaceId } from '#common/ids.ts';
import { isAnonymous } from '#proxy/access/anonymous.ts';
import type { S3Action } from '#proxy/access/actions.ts';
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { type Asked, isOwnersAlone, permit } from './access/permit.ts';
import type { S3Context } from './context.ts';
import { S3Error } from './errors.ts';
import { objectOf } from './object-of.ts';
import type { S3Request } from './request.ts';

const BUCKET_CHARACTERS_MAX = 63;

/** For reading: at most a second old. Throws AccessDenied when the request's action is not allowed. */
export async function bucketOf(request: S3Request, context: S3Context): Promise<BucketRecord> {
  const bucket = knownBucket(request, context) ?? (await findBucket(request, context));
  if (!isOwnersAlone(request.principal, bucket))
    await permit(request, context, bucket, askedOf(request, context, bucket));
  return bucket;
}

/** Most requests are about a bucket that the one before was about, too: they need not wait to be told of it. */
function knownBucket(request: S3Request, context: S3Context): BucketRecord | undefined {
  const bucket = context.directory.known(accountOf(request), request.bucket);
  if (bucket !== undefined) checkNamed(request, bucket);
  return bucket;
}

function checkNamed(request: S3Request, bucket: BucketRecord | undefined): void {
  const { owner } = expected(bucket, request.bucket, request.header('x-amz-expected-bucket-owner'));
  request.isAbout(owner);
}

/** The same without asking leave: for an operation that asks for each of many objects. */
export async function findBucket(request: S3Request, context: S3Context): Promise<BucketRecord> {
  const expectedOwner = request.header('x-amz-expected-bucket-owner');
  const bucket = await namedBucket(request, context, request.bucket, expectedOwner);
  request.isAbout(bucket.owner);
  return bucket;
}

/** The bucket of a copy's source, or of the request itself; leave is still to be asked. */
export async function namedBucket(
  request: S3Request,
  context: S3Context,
  name: string,
  expectedOwner: string | undefined,
): Promise<BucketRecord> {
  const bucket = isPossible(name) ? await context.directory.find(accountOf(request), name) : undefined;
  return expected(bucket, name, expectedOwner);
}

/** For writing. Throws AccessDenied when the request's action is not allowed. */
export async function leaseOf(request: S3Request, context: S3Context): Promise<BucketLease> {
  const known = context.directory.knownLease(accountOf(request), request.bucket);
  if (known !== undefined) checkNamed(request, known.bucket);
  const lease = known ?? (await findLease(request, context));
  const { bucket } = lease;
  if (!isOwnersAlone(request.principal, bucket))
    await permit(request, context, bucket, askedOf(request, context, bucket));
  return lease;
}

/** The same without asking leave. */
export async function findLease(request: S3Request, context: S3Context): Promise<BucketLease> {
  const name = request.bucket;
  const lease = isPossible(name) ? await context.directory.lease(accountOf(request), name) : undefined;
  checkNamed(request, lease?.bucket);
  return lease as BucketLease;
}

function askedOf(request: S3Request, context: S3Context, bucket: BucketRecord): Asked {
  return {
    action: actionOf(request),
    bucketName: request.bucket,
    key: request.hasKey ? request.key : undefined,
    object: async () => {
      const found = await objectOf(request, context, bucket);
      return found?.type === 'object' ? found.record : undefined;
    },
  };
}

function actionOf(request: S3Request): S3Action {
  if (request.action === undefined) throw new Error('an operation without an action asks for leave');
  return request.action;
}

function accountOf({ principal }: S3Request): SpaceId | undefined {
  return isAnonymous(principal) ? undefined : principal.account;
}

/** No longer name can have been created, and none of any length needs a look into the store. */
function isPossible(name: string): boolean {
  return name.length <= BUCKET_CHARACTERS_MAX;
}

function expected(
  bucket: BucketRecord | undefined,
  name: string,
  expectedOwner: string | undefined,
): BucketRecord {
  if (bucket === undefined) throw new S3Error('NoSuchBucket', undefined, { fields: { BucketName: name } });
  if (expectedOwner !== undefined && expectedOwner !== bucket.owner) throw new S3Error('AccessDenied');
  return bucket;
}

/** Who a listing or an access list names: the account that owns the bucket. */
export function ownerName(context: S3Context, bucket: BucketRecord): string {
  return context.credentials.account(bucket.owner)?.name ?? bucket.ownerName;
}

/** The name of an account that owns something in the bucket; its id when its users are all gone. */
export function accountName(context: S3Context, bucket: BucketRecord, account: SpaceId): string {
  if (account === bucket.owner) return ownerName(context, bucket);
  return context.credentials.account(account)?.name ?? account;
}
