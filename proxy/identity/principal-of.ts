/** What a user of identity may do in the object store: a project is an account, roles are rights. */
import { isSpaceId, spaceId } from '#common/ids.ts';
import type { Named, TokenUser } from '#control/protocol/token-statement.ts';
import type { Principal } from '#proxy/auth/principal.ts';

/** The domain in which names of users and projects mean somebody without it (Identity API v3, "Domains"). */
export const DEFAULT_DOMAIN = 'default';

/** Of those whose token is good for the system: no project has it, and nothing is ever owned by it. */
const SYSTEM_ACCOUNT = spaceId('f'.repeat(32));

export interface ProjectUser {
  readonly user: TokenUser;
  readonly project: Named & { readonly domain: Named };
  /** Names. */
  readonly roles: readonly string[];
  /** '' for who shows a token. */
  readonly accessKey: string;
}

/** Who tends everybody's account (Swift's keystoneauth, `reseller_admin_role`); compared as Keystone does, whatever the case. */
const RESELLER_ADMIN = 'reselleradmin';

/**
 * An admin, a manager or a member of a project owns its account, a reader reads it, and a reseller's admin may do everything in every
 * account. Undefined for a project whose id is no account's.
 */
export function principalOf({ user, project, roles, accessKey }: ProjectUser): Principal | undefined {
  if (!isSpaceId(project.id)) return undefined;
  const has = (...names: readonly string[]) => names.some((name) => roles.includes(name));
  const owns = has('admin', 'manager', 'member');
  return Object.freeze({
    userName: nameOf(user),
    account: spaceId(project.id),
    accountName: project.name,
    accessKey,
    role: owns ? 'owner' : has('reader') ? 'reader' : 'member',
    admin: roles.some((name) => name.toLowerCase() === RESELLER_ADMIN),
  });
}

/** @param roles names of roles on the system. */
export function systemPrincipalOf(user: TokenUser, roles: readonly string[]): Principal {
  return Object.freeze({
    userName: nameOf(user),
    account: SYSTEM_ACCOUNT,
    accountName: 'system',
    accessKey: '',
    role: 'member',
    admin: roles.includes('admin'),
  });
}

/** Two domains may have users of one name: a policy means the default domain's. */
function nameOf({ id, name, domain }: TokenUser): string {
  return domain.id === DEFAULT_DOMAIN ? name : id;
}
