/** The bucket that a request names, for those who may use it. */
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { S3Context } from './context.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

const BUCKET_CHARACTERS_MAX = 63;

/** For reading: at most a second old. */
export async function bucketOf(request: S3Request, context: S3Context): Promise<BucketRecord> {
  return namedBucket(request, context, request.bucket, request.header('x-amz-expected-bucket-owner'));
}

/** The bucket of a copy's source, or of the request itself. */
export async function namedBucket(
  request: S3Request,
  context: S3Context,
  name: string,
  expectedOwner: string | undefined,
): Promise<BucketRecord> {
  const bucket = isPossible(name) ? await context.directory.find(request.principal.account, name) : undefined;
  return permitted(request, bucket, name, expectedOwner);
}

/** For writing. */
export async function leaseOf(request: S3Request, context: S3Context): Promise<BucketLease> {
  const name = request.bucket;
  const lease = isPossible(name) ? await context.directory.lease(request.principal.account, name) : undefined;
  permitted(request, lease?.bucket, name, request.header('x-amz-expected-bucket-owner'));
  return lease as BucketLease;
}

/** No longer name can have been created, and none of any length needs a look into the store. */
function isPossible(name: string): boolean {
  return name.length <= BUCKET_CHARACTERS_MAX;
}

function permitted(
  request: S3Request,
  bucket: BucketRecord | undefined,
  name: string,
  expectedOwner: string | undefined,
): BucketRecord {
  if (bucket === undefined) throw new S3Error('NoSuchBucket', undefined, { fields: { BucketName: name } });
  const { account, admin } = request.principal;
  if (bucket.owner !== account && !admin) throw new S3Error('AccessDenied');
  if (expectedOwner !== undefined && expectedOwner !== bucket.owner) throw new S3Error('AccessDenied');
  return bucket;
}

/** Who a listing or an access list names: the account that owns the bucket. */
export function ownerName(context: S3Context, bucket: BucketRecord): string {
  return context.credentials.account(bucket.owner)?.name ?? bucket.ownerName;
}
