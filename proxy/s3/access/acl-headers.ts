/** Lists that come with a request's headers: a canned one, or grants (Amazon S3 API Reference, "x-amz-acl", "x-amz-grant-*"). */
import type { SpaceId } from '#common/ids.ts';
import {
  type AccessControlList,
  type Grant,
  type Grantee,
  GRANTS_MAX,
  groups,
  type Permission,
} from '#proxy/access/acl/access-control-list.ts';
import { cannedList } from '#proxy/access/acl/canned-list.ts';
import type { S3Context } from '../context.ts';
import { invalidArgument, S3Error } from '../errors.ts';
import { groupUris, knownAccount } from './grantees.ts';

const grantHeaders = [
  ['x-amz-grant-read', 'READ'],
  ['x-amz-grant-write', 'WRITE'],
  ['x-amz-grant-read-acp', 'READ_ACP'],
  ['x-amz-grant-write-acp', 'WRITE_ACP'],
  ['x-amz-grant-full-control', 'FULL_CONTROL'],
] as const satisfies readonly (readonly [string, Permission])[];

const GRANTEE = /\s*(id|uri|emailaddress)\s*=\s*(?:"([^"]*)"|([^\s",]+))\s*(?:,|$)/iy;

export type HeaderOf = (name: string) => string | undefined;

export function hasAclHeaders(header: HeaderOf): boolean {
  return header('x-amz-acl') !== undefined || grantHeaders.some(([name]) => header(name) !== undefined);
}

/** Undefined when the request asks for no list of its own. */
export function aclFromHeaders(
  header: HeaderOf,
  context: S3Context,
  owner: SpaceId,
  bucketOwner: SpaceId,
): AccessControlList | undefined {
  if (!hasAclHeaders(header)) return undefined;
  const canned = header('x-amz-acl');
  const grants = grantHeaders.flatMap(([name, permission]) =>
    parseGrants(header(name), name, permission, context),
  );
  if (canned === undefined) {
    if (grants.length > GRANTS_MAX) throw invalidArgument('Too many grants', 'x-amz-grant', '');
    return { owner, grants };
  }
  if (grants.length > 0) {
    const message = 'Specifying both Canned ACLs and Header Grants is not allowed';
    throw new S3Error('InvalidRequest', message);
  }
  const list = cannedList(canned, owner, bucketOwner);
  if (list === undefined) throw invalidArgument('Invalid canned ACL', 'x-amz-acl', canned);
  return list;
}

function parseGrants(
  text: string | undefined,
  name: string,
  permission: Permission,
  context: S3Context,
): Grant[] {
  if (text === undefined) return [];
  const found: Grant[] = [];
  GRANTEE.lastIndex = 0;
  while (GRANTEE.lastIndex < text.length) {
    const match = GRANTEE.exec(text);
    if (match === null) throw invalidArgument('Argument format not recognized', name, text);
    const grantee = namedGrantee(context, (match[1] ?? '').toLowerCase(), match[2] ?? match[3] ?? '', name);
    found.push({ grantee, permission });
  }
  return found;
}

function namedGrantee(context: S3Context, kind: string, value: string, header: string): Grantee {
  if (kind === 'id') return knownAccount(context, value);
  if (kind === 'emailaddress') throw new S3Error('UnresolvableGrantByEmailAddress');
  const group = groups.find((known) => groupUris[known] === value);
  if (group === undefined) throw invalidArgument('Invalid group uri', header, value);
  return group;
}
