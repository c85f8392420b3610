/** CreateBucket (Amazon S3 API Reference). */
import { isPrivateOf } from '#proxy/access/acl/access-control-list.ts';
import { objectOwnerships } from '#proxy/access/public-access-block.ts';
import { bucketDocuments } from '#proxy/access/rules-of-bucket.ts';
import { isBucketName } from '#proxy/buckets/bucket-name.ts';
import { createBucket as create } from '#proxy/buckets/create-bucket.ts';
import { aclFromHeaders } from '../access/acl-headers.ts';
import { requireAccount } from '../access/permit.ts';
import type { S3Context } from '../context.ts';
import { invalidArgument, S3Error } from '../errors.ts';
import { refuseUnsupported } from '../object-headers.ts';
import type { Operation, S3Request } from '../request.ts';
import { childText, readXml } from '../xml/reader.ts';

const BODY_BYTES_MAX = 64 * 1024;
/** Where a bucket that exists is created again without an error. */
const LENIENT_REGION = 'us-east-1';

export const createBucket: Operation = async (request, context) => {
  const name = request.bucket;
  requireAccount(request, 'owns');
  if (!isBucketName(name)) {
    throw new S3Error('InvalidBucketName', undefined, { fields: { BucketName: name } });
  }
  refuseUnsupported(request.headers);
  await checkLocation(request, context);
  const configuration = initialConfiguration(request, context);
  const versioning = configuration?.[bucketDocuments.objectLock] === undefined ? undefined : 'enabled';
  const outcome = await create(context.buckets, request.principal, name, configuration, versioning);
  if (outcome === 'created') context.directory.revoke();
  const fields = { BucketName: name };
  if (outcome === 'owned-by-another') throw new S3Error('BucketAlreadyExists', undefined, { fields });
  if (outcome === 'owned-already' && !(await hasAlready(request, context, configuration))) {
    // The bucket is there with another list, which creating it again must not take away.
    throw new S3Error('BucketAlreadyExists', undefined, { fields });
  }
  if (outcome === 'owned-already' && context.region !== LENIENT_REGION) {
    throw new S3Error('BucketAlreadyOwnedByYou', undefined, { fields });
  }
  request.reply.empty(200, ['Location', `/${name}`]);
};

async function checkLocation(request: S3Request, context: S3Context): Promise<void> {
  const body = await request.openBody(context).readAll(BODY_BYTES_MAX);
  if (body.length === 0) return;
  const root = readXml(body);
  if (root.name !== 'CreateBucketConfiguration') throw new S3Error('MalformedXML');
  const constraint = childText(root, 'LocationConstraint')?.trim();
  if (constraint === undefined || constraint === '' || constraint === context.region) return;
  throw new S3Error('InvalidLocationConstraint', undefined, { fields: { LocationConstraint: constraint } });
}

/** What the request's headers say of access to the new bucket; undefined when they say nothing. */
function initialConfiguration(
  request: S3Request,
  context: S3Context,
): Readonly<Record<string, string>> | undefined {
  const { account } = request.principal;
  const list = aclFromHeaders((name) => request.header(name), context, account, account);
  const named = request.header('x-amz-object-ownership');
  const ownership = objectOwnerships.find((known) => known === named);
  if (named !== undefined && ownership === undefined) {
    throw invalidArgument('Invalid x-amz-object-ownership header', 'x-amz-object-ownership', named);
  }
  const closed = list === undefined || isPrivateOf(list, account);
  if (!closed && ownership === 'BucketOwnerEnforced') {
    throw new S3Error('InvalidBucketAclWithObjectOwnership');
  }
  const locks = request.header('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true';
  if (closed && ownership === undefined && !locks) return undefined;
  return {
    ...(closed ? undefined : { [bucketDocuments.acl]: JSON.stringify(list) }),
    ...(ownership === undefined ? undefined : { [bucketDocuments.ownership]: ownership }),
    ...(locks ? { [bucketDocuments.objectLock]: '{}' } : undefined),
  };
}

async function hasAlready(
  request: S3Request,
  context: S3Context,
  wanted: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const bucket = await context.directory.readOwn(request.principal.account, request.bucket);
  const { acl } = bucket?.configuration ?? {};
  return acl === wanted[bucketDocuments.acl];
}
