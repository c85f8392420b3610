/** Access control lists as XML (Amazon S3 API Reference, "AccessControlPolicy"). */
import type { SpaceId } from '#common/ids.ts';
import {
  type AccessControlList,
  type Grant,
  type Grantee,
  GRANTS_MAX,
  groups,
  isGroup,
  permissions,
} from '#proxy/access/acl/access-control-list.ts';
import type { S3Context } from '../context.ts';
import { S3Error } from '../errors.ts';
import { writeOwner } from '../object-listing.ts';
import { childOf, childText, readXml, type XmlElement } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';
import { groupUris, knownAccount } from './grantees.ts';

const SCHEMA = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

export function aclXml(context: S3Context, list: AccessControlList): string {
  const xml = new XmlWriter('AccessControlPolicy');
  writeOwner(xml, 'Owner', list.owner, displayName(context, list.owner));
  xml.open('AccessControlList');
  // Groups first: what the public gets is what a reader looks for.
  const groupsFirst = list.grants.toSorted((a, b) => Number(isGroup(b.grantee)) - Number(isGroup(a.grantee)));
  for (const { grantee, permission } of groupsFirst) {
    xml.open('Grant');
    writeGrantee(xml, context, grantee);
    xml.element('Permission', permission).close();
  }
  return xml.done();
}

function writeGrantee(xml: XmlWriter, context: S3Context, grantee: Grantee): void {
  const type = isGroup(grantee) ? 'Group' : 'CanonicalUser';
  xml.open('Grantee', `${SCHEMA} xsi:type="${type}"`);
  if (isGroup(grantee)) xml.element('URI', groupUris[grantee]);
  else xml.element('ID', grantee).optional('DisplayName', displayName(context, grantee));
  xml.close();
}

/** An account whose users are all gone is shown by its id. */
function displayName(context: S3Context, account: SpaceId): string {
  return context.credentials.account(account)?.name ?? account;
}

/** Throws what S3 answers. @param owner who owns what the list is for, and keeps owning it. */
export function parseAclXml(body: Buffer, context: S3Context, owner: SpaceId): AccessControlList {
  const root = readXml(body);
  const named = childOf(root, 'Owner');
  const list = childOf(root, 'AccessControlList');
  if (root.name !== 'AccessControlPolicy' || list === undefined) throw new S3Error('MalformedACLError');
  const ownerId = named === undefined ? undefined : childText(named, 'ID')?.trim();
  if (ownerId === undefined || ownerId === '') throw new S3Error('MalformedACLError');
  // Ownership is not given away by a list.
  if (ownerId !== owner) throw new S3Error('AccessDenied');
  const grants = list.children.map((child) => parseGrant(child, context));
  if (grants.length > GRANTS_MAX) throw new S3Error('MalformedACLError', 'The list has too many grants.');
  return { owner, grants };
}

function parseGrant(element: XmlElement, context: S3Context): Grant {
  const grantee = childOf(element, 'Grantee');
  const named = childText(element, 'Permission')?.trim();
  const permission = permissions.find((known) => known === named);
  if (element.name !== 'Grant' || grantee === undefined || permission === undefined) {
    throw new S3Error('MalformedACLError');
  }
  return { grantee: parseGrantee(grantee, context), permission };
}

function parseGrantee(element: XmlElement, context: S3Context): Grantee {
  const id = childText(element, 'ID')?.trim();
  const uri = childText(element, 'URI')?.trim();
  const email = childText(element, 'EmailAddress')?.trim();
  if (id !== undefined) return knownAccount(context, id);
  if (email !== undefined) throw new S3Error('UnresolvableGrantByEmailAddress');
  const group = groups.find((known) => groupUris[known] === uri);
  if (group === undefined) throw new S3Error('MalformedACLError');
  return group;
}
