/** What a line of the policy may say, and how it is decided. Pure. */
import type { TokenStatement } from '../protocol/token-statement.ts';

export type PolicyRole = 'admin' | 'manager' | 'member' | 'reader' | 'service';

/** Where a token has to be good: `cloud` is the system or any project, as an administrator's may be. */
export type PolicyScope = 'cloud' | 'system' | 'domain' | 'project' | 'anywhere';

/** What of the target has to be the bearer's own. */
export type Ownership = 'domain' | 'project' | 'user';

/** One way to be allowed; all that it says has to hold. */
export interface Allowance {
  /** Any, and none, when left out. */
  readonly role?: PolicyRole;
  readonly scope: PolicyScope;
  readonly own?: Ownership;
  /** Of grants: only these roles may be given and taken. */
  readonly grantable?: readonly string[];
}

/** What a request is about, as far as it is known before it is done. */
export interface PolicyTarget {
  /** Every domain that has a part in it. */
  readonly domainIds?: readonly string[];
  readonly projectId?: string | undefined;
  readonly userId?: string | undefined;
  /** Of grants. */
  readonly roleName?: string;
}

export function isAllowed(
  allowances: readonly Allowance[],
  bearer: TokenStatement,
  target: PolicyTarget,
): boolean {
  return allowances.some((allowance) => fits(allowance, bearer, target));
}

function fits(
  { role, scope, own, grantable }: Allowance,
  bearer: TokenStatement,
  target: PolicyTarget,
): boolean {
  return (
    isScopedTo(scope, bearer) &&
    (role === undefined || bearer.roles.some(({ name }) => name === role)) &&
    (own === undefined || isOwn(own, bearer, target)) &&
    (grantable === undefined || grantable.includes(target.roleName ?? ''))
  );
}

function isScopedTo(scope: PolicyScope, bearer: TokenStatement): boolean {
  const { kind } = bearer.scope;
  if (scope === 'cloud') return kind === 'system' || kind === 'project';
  return scope === 'anywhere' || scope === kind;
}

/** What is not known is nobody's. */
function isOwn(own: Ownership, { user, scope }: TokenStatement, target: PolicyTarget): boolean {
  if (own === 'user') return target.userId !== undefined && target.userId === user.id;
  if (own === 'project')
    return (
      scope.kind === 'project' && target.projectId !== undefined && target.projectId === scope.project.id
    );
  const { domainIds = [] } = target;
  return scope.kind === 'domain' && domainIds.length > 0 && domainIds.every((id) => id === scope.domain.id);
}

/** In words, for docs/policy.md and for whoever was refused. */
export function allowanceText({ role, scope, own, grantable }: Allowance): string {
  const scopes = {
    cloud: ' on a project or the system',
    system: ' on the system',
    domain: ' on the domain',
    project: ' on the project',
    anywhere: '',
  };
  const who = role === undefined ? (own === 'user' ? 'the user' : 'anybody with a token') : role;
  const where = role === undefined && scope === 'anywhere' ? '' : scopes[scope];
  const roles = grantable === undefined ? '' : `, for the roles ${grantable.join(', ')}`;
  return `${who}${where}${roles}`;
}
