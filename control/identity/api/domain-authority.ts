/**
 * An authority of a domain tends its users and groups; but whoever sets a user's password, or joins a group, has all that these have. So
 * those that have more than a domain's authorities may give are tended by an admin of the cloud alone.
 */
import { bearerOf, type Call } from '../../api/route.ts';
import { mayDo } from '../../policy/policy.ts';
import { namedRoles } from '../access/effective-roles.ts';
import { forbidden } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import type { Grant } from '../records/grants.ts';

/** Roles that count beyond the domain in which they are given. */
const BEYOND = new Set(['admin', 'service', 'reselleradmin']);

/** Throws 403. */
export async function assertMayTend(identity: Identity, call: Call, actor: Grant['actor']): Promise<void> {
  const bearer = bearerOf(call);
  if (mayDo('identity:update_domain', bearer)) return;
  if (actor.kind === 'user' && actor.id === bearer.user.id) return;
  const ownDomain = bearer.scope.kind === 'domain' ? bearer.scope.domain.id : undefined;
  for (const grant of await grantsOf(identity, actor))
    if (ownDomain === undefined || (await isBeyond(identity, grant, ownDomain)))
      throw forbidden(`This ${actor.kind} has roles that an authority of its domain may not give.`);
}

async function grantsOf({ grants, members }: Identity, actor: Grant['actor']): Promise<Grant[]> {
  const own = await grants.of(actor);
  if (actor.kind === 'group') return own;
  const groups = await members.others(actor.id);
  const theirs = await Promise.all(groups.map((id) => grants.of({ kind: 'group', id })));
  return [...own, ...theirs.flat()];
}

async function isBeyond(identity: Identity, { target, roleId }: Grant, ownDomain: string): Promise<boolean> {
  if (target.kind === 'system' || (target.kind === 'domain' && target.id !== ownDomain)) return true;
  if (target.kind === 'project') {
    const project = await identity.projects.find(target.id);
    if (project !== undefined && project.value.domain_id !== ownDomain) return true;
  }
  const roles = await namedRoles(identity, [roleId]);
  return roles.some(({ name }) => BEYOND.has(name.toLowerCase()));
}
