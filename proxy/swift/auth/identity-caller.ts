/**
 * A user with a token of identity, and how access lists name it: `project:user`, either of which may be an id or `*`, or, within the
 * default domain, a name; and the roles that it has in its own project (Object Storage administrator guide, "Keystone auth").
 */
import type { TokenStatement, TokenUser } from '#control/protocol/token-statement.ts';
import type { Account, CredentialStore } from '#proxy/auth/credential-store.ts';
import { DEFAULT_DOMAIN, principalOf, systemPrincipalOf } from '#proxy/identity/principal-of.ts';
import type { Caller } from './caller.ts';

/** Undefined for a token that is good for no project, or for one that can have no account. */
export function identityCallerOf(
  { user, scope, roles }: TokenStatement,
  credentials: CredentialStore,
): Caller | undefined {
  const roleNames = roles.map(({ name }) => name);
  if (scope.kind === 'system') return systemCallerOf(user, roleNames);
  if (scope.kind !== 'project') return undefined;
  const { project } = scope;
  const principal = principalOf({ user, project, roles: roleNames, accessKey: '' });
  if (principal === undefined) return undefined;
  const byId = pairsOf([project.id, '*'], [user.id, '*']);
  const isDefault = user.domain.id === DEFAULT_DOMAIN && project.domain.id === DEFAULT_DOMAIN;
  return {
    principal,
    groupsFor(account) {
      const groups = new Set(byId);
      if (isDefault && namesCount(account)) addNames(groups);
      if (account?.id === principal.account) for (const name of roleNames) groups.add(name);
      return groups;
    },
  };

  /** A name of another domain than the account's would be somebody else's there. */
  function namesCount(account: Account | undefined): boolean {
    return account?.domainId === DEFAULT_DOMAIN;
  }

  function addNames(groups: Set<string>): void {
    // What the users file calls so is another account, which is meant where it is named.
    const namesake = credentials.accountNamed(project.name);
    const isOurs = namesake === undefined || namesake.id === principal?.account;
    const projects = [project.id, '*', ...(isOurs ? [project.name] : [])];
    for (const pair of pairsOf(projects, [user.id, user.name, '*'])) groups.add(pair);
  }
}

/** Whoever tends the cloud has no account: an admin may do everything in every one, a reader read everything. */
function systemCallerOf(user: TokenUser, roles: readonly string[]): Caller {
  return {
    principal: systemPrincipalOf(user, roles),
    readsEverything: roles.includes('reader'),
    groupsFor: () => new Set(),
  };
}

function pairsOf(projects: readonly string[], users: readonly string[]): string[] {
  return projects.flatMap((project) => users.map((user) => `${project}:${user}`));
}
