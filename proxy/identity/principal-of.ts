/** What a user of identity may do in the object store: a project is an account, roles are rights. */
import { isSpaceId, spaceId } from '#common/ids.ts';
import type { Named, TokenUser } from '#control/protocol/token-statement.ts';
import type { Principal } from '#proxy/auth/principal.ts';

/** The domain in which names of users and projects mean somebody without it (Identity API v3, "Domains"). */
export const DEFAULT_DOMAIN = 'default';

export interface ProjectUser {
  readonly user: TokenUser;
  readonly project: Named & { readonly domain: Named };
  /** Names. */
  readonly roles: readonly string[];
  /** '' for who shows a token. */
  readonly accessKey: string;
}

/**
 * Roles as OpenStack's secure RBAC has them: an admin of any project may do everything in every account, a manager or a member owns
 * the project's, a reader reads it. Undefined for a project whose id is no account's.
 */
export function principalOf({ user, project, roles, accessKey }: ProjectUser): Principal | undefined {
  if (!isSpaceId(project.id)) return undefined;
  const has = (...names: readonly string[]) => names.some((name) => roles.includes(name));
  const owns = has('admin', 'manager', 'member');
  return Object.freeze({
    // Two domains may have users of one name: a policy means the default domain's.
    userName: user.domain.id === DEFAULT_DOMAIN ? user.name : user.id,
    account: spaceId(project.id),
    accountName: project.name,
    accessKey,
    role: owns ? 'owner' : has('reader') ? 'reader' : 'member',
    admin: has('admin'),
  });
}
