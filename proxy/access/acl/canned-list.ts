/** The lists that have names (Amazon S3 User Guide, "Canned ACL"). */
import type { SpaceId } from '#common/ids.ts';
import type { AccessControlList, Grant } from './access-control-list.ts';

const grantsOf: Readonly<Record<string, (bucketOwner: SpaceId) => readonly Grant[]>> = {
  private: () => [],
  'public-read': () => [{ grantee: 'AllUsers', permission: 'READ' }],
  'public-read-write': () => [
    { grantee: 'AllUsers', permission: 'READ' },
    { grantee: 'AllUsers', permission: 'WRITE' },
  ],
  'authenticated-read': () => [{ grantee: 'AuthenticatedUsers', permission: 'READ' }],
  'aws-exec-read': () => [],
  'log-delivery-write': () => [
    { grantee: 'LogDelivery', permission: 'WRITE' },
    { grantee: 'LogDelivery', permission: 'READ_ACP' },
  ],
  'bucket-owner-read': (bucketOwner) => [{ grantee: bucketOwner, permission: 'READ' }],
  'bucket-owner-full-control': (bucketOwner) => [{ grantee: bucketOwner, permission: 'FULL_CONTROL' }],
};

/** Undefined for a name that is not known. On a bucket, the two of the bucket's owner say nothing. */
export function cannedList(
  name: string,
  owner: SpaceId,
  bucketOwner: SpaceId,
): AccessControlList | undefined {
  const grants = Object.hasOwn(grantsOf, name) ? grantsOf[name] : undefined;
  if (grants === undefined) return undefined;
  const others = grants(bucketOwner).filter(({ grantee }) => grantee !== owner);
  return { owner, grants: [{ grantee: owner, permission: 'FULL_CONTROL' }, ...others] };
}
