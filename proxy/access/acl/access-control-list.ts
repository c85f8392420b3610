/**
 * Access control lists of buckets and objects: docs/formats/access-control.md
 * (Amazon S3 User Guide, "Access control list (ACL) overview").
 */
import { HoldfastError } from '#common/errors.ts';
import { type SpaceId, spaceId } from '#common/ids.ts';

export const permissions = ['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL'] as const;
export type Permission = (typeof permissions)[number];

export const groups = ['AllUsers', 'AuthenticatedUsers', 'LogDelivery'] as const;
export type Group = (typeof groups)[number];

/** An account's id, or a group. */
export type Grantee = SpaceId | Group;

export interface Grant {
  readonly grantee: Grantee;
  readonly permission: Permission;
}

export interface AccessControlList {
  readonly owner: SpaceId;
  readonly grants: readonly Grant[];
}

/** As S3 has it. */
export const GRANTS_MAX = 100;

export function isGroup(grantee: Grantee): grantee is Group {
  return groups.some((group) => group === grantee);
}

/** What everything has that was given no other: its owner may do anything, and nobody else. */
export function privateList(owner: SpaceId): AccessControlList {
  return { owner, grants: [{ grantee: owner, permission: 'FULL_CONTROL' }] };
}

export function isPrivateOf(list: AccessControlList, owner: SpaceId): boolean {
  const [only, more] = list.grants;
  return (
    list.owner === owner &&
    more === undefined &&
    only?.grantee === owner &&
    only.permission === 'FULL_CONTROL'
  );
}

/** Whether everyone, or everyone with an account, is given anything. */
export function isPublicList(list: AccessControlList): boolean {
  return list.grants.some(({ grantee }) => grantee === 'AllUsers' || grantee === 'AuthenticatedUsers');
}

export interface ListReader {
  readonly account: SpaceId;
  readonly anonymous: boolean;
  /** Only who stands for the account has what the account is given. */
  readonly ownsAccount: boolean;
}

/** Whether the list gives `permission` to the reader. Grants to groups count for nothing where they are ignored. */
export function grants(
  list: AccessControlList,
  reader: ListReader,
  permission: Exclude<Permission, 'FULL_CONTROL'>,
  ignoresPublic: boolean,
): boolean {
  return list.grants.some(
    (grant) =>
      (grant.permission === permission || grant.permission === 'FULL_CONTROL') &&
      includes(grant.grantee, reader, ignoresPublic),
  );
}

function includes(grantee: Grantee, reader: ListReader, ignoresPublic: boolean): boolean {
  if (grantee === 'AllUsers') return !ignoresPublic;
  if (grantee === 'AuthenticatedUsers') return !ignoresPublic && !reader.anonymous;
  return grantee === reader.account && reader.ownsAccount;
}

/** Throws `format-invalid`. */
export function parseStoredList(value: unknown): AccessControlList {
  if (typeof value !== 'object' || value === null) throw invalid();
  const { owner, grants: stored } = value as { readonly owner?: unknown; readonly grants?: unknown };
  if (!Array.isArray(stored) || stored.length > GRANTS_MAX) throw invalid();
  return { owner: accountId(owner), grants: stored.map(parseGrant) };
}

function parseGrant(value: unknown): Grant {
  if (typeof value !== 'object' || value === null) throw invalid();
  const { grantee, permission: named } = value as {
    readonly grantee?: unknown;
    readonly permission?: unknown;
  };
  const permission = permissions.find((known) => known === named);
  if (permission === undefined) throw invalid();
  return { grantee: groups.find((group) => group === grantee) ?? accountId(grantee), permission };
}

function accountId(value: unknown): SpaceId {
  try {
    return spaceId(String(value));
  } catch (cause) {
    throw new HoldfastError('format-invalid', 'a grantee is not an account', { cause });
  }
}

function invalid(): HoldfastError {
  return new HoldfastError('format-invalid', 'a stored access control list is malformed');
}
