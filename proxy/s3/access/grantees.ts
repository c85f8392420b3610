/** How grantees are named on the wire: accounts by their id, groups by their URI. */
import { type SpaceId, spaceId } from '#common/ids.ts';
import type { Group } from '#proxy/access/acl/access-control-list.ts';
import type { S3Context } from '../context.ts';
import { invalidArgument } from '../errors.ts';

export const groupUris: Readonly<Record<Group, string>> = {
  AllUsers: 'http://acs.amazonaws.com/groups/global/AllUsers',
  AuthenticatedUsers: 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
  LogDelivery: 'http://acs.amazonaws.com/groups/s3/LogDelivery',
};

/** Throws InvalidArgument for an account that nobody has. */
export function knownAccount(context: S3Context, id: string): SpaceId {
  const account = /^[0-9a-f]{32}$/.test(id) ? spaceId(id) : undefined;
  if (account !== undefined && context.credentials.account(account) !== undefined) return account;
  throw invalidArgument('Invalid id', 'CanonicalUser/ID', id);
}
