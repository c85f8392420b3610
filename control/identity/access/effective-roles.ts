/**
 * What a user's grants come to: those of its groups, those inherited from projects and domains above, and the roles that roles imply
 * (Identity API v3, "Role assignments", effective).
 */
import type { Identity } from '../identity.ts';
import type { Grant, GrantTarget } from '../records/grants.ts';
import { SYSTEM } from '../records/grants.ts';
import type { DomainRecord, ProjectRecord, RoleRecord } from '../records/records.ts';
import { limits } from '../settings.ts';

export async function grantsOfUser({ grants, members }: Identity, userId: string): Promise<Grant[]> {
  const groupIds = await members.others(userId);
  const lists = await Promise.all([
    grants.of({ kind: 'user', id: userId }),
    ...groupIds.map((id) => grants.of({ kind: 'group', id })),
  ]);
  return lists.flat();
}

/** Projects above, nearest first, then the domain. */
export async function ancestorsOf({ projects }: Identity, project: ProjectRecord): Promise<string[]> {
  const above: string[] = [];
  let parentId = project.parent_id;
  while (parentId !== project.domain_id && above.length <= limits.projectDepthMax) {
    above.push(parentId);
    const parent = await projects.find(parentId);
    if (parent === undefined) break;
    parentId = parent.value.parent_id;
  }
  return [...above, project.domain_id];
}

/** Whether a grant is good on a target, whose ancestors are given when it is a project. */
export function reaches(
  { target, isInherited }: Grant,
  wanted: GrantTarget,
  ancestors: readonly string[],
): boolean {
  if (!isInherited) return target.kind === wanted.kind && target.id === wanted.id;
  return wanted.kind === 'project' && target.kind !== 'system' && ancestors.includes(target.id);
}

/** The roles, and all that they imply. */
export async function withImplied({ implied }: Identity, roleIds: Iterable<string>): Promise<Set<string>> {
  const all = new Set(roleIds);
  // A set that grows while it is gone through shows what was added.
  for (const id of all) for (const other of await implied.others(id)) all.add(other);
  return all;
}

/** Roles as a token names them: those of one domain stand for what they imply, and are not named. */
export async function namedRoles(identity: Identity, roleIds: Iterable<string>): Promise<RoleRecord[]> {
  const ids = await withImplied(identity, roleIds);
  const found = await Promise.all([...ids].map((id) => identity.roles.find(id)));
  return found.flatMap((role) => (role === undefined || role.value.domain_id !== null ? [] : [role.value]));
}

/** Empty: the user has no place there. */
export async function rolesOfUserOn(
  identity: Identity,
  userId: string,
  target: { readonly kind: 'project'; readonly project: ProjectRecord } | GrantTarget,
): Promise<RoleRecord[]> {
  const [wanted, ancestors] =
    'project' in target
      ? [{ kind: 'project', id: target.project.id } as const, await ancestorsOf(identity, target.project)]
      : [target, []];
  const grants = await grantsOfUser(identity, userId);
  const roleIds = grants.filter((grant) => reaches(grant, wanted, ancestors)).map(({ roleId }) => roleId);
  return await namedRoles(identity, new Set(roleIds));
}

/** Projects on which the user has some role. */
export async function projectsOfUser(identity: Identity, userId: string): Promise<ProjectRecord[]> {
  const grants = await grantsOfUser(identity, userId);
  if (!grants.some(({ isInherited }) => isInherited)) {
    const ids = new Set(
      grants.filter(({ target }) => target.kind === 'project').map(({ target }) => target.id),
    );
    const found = await Promise.all([...ids].map((id) => identity.projects.find(id)));
    return found.flatMap((project) => (project === undefined ? [] : [project.value]));
  }
  const all = await identity.projects.list();
  const parents = new Map(all.map((project) => [project.id, project]));
  return all.filter((project) => {
    const above = ancestorsAmong(project, parents);
    return grants.some((grant) => reaches(grant, { kind: 'project', id: project.id }, above));
  });
}

export async function domainsOfUser(identity: Identity, userId: string): Promise<DomainRecord[]> {
  const grants = await grantsOfUser(identity, userId);
  const own = grants.filter(({ target, isInherited }) => target.kind === 'domain' && !isInherited);
  const ids = new Set(own.map(({ target }) => target.id));
  const found = await Promise.all([...ids].map((id) => identity.domains.find(id)));
  return found.flatMap((domain) => (domain === undefined ? [] : [domain.value]));
}

export async function hasSystemRole(identity: Identity, userId: string): Promise<boolean> {
  return (await grantsOfUser(identity, userId)).some((grant) => reaches(grant, SYSTEM, []));
}

function ancestorsAmong(project: ProjectRecord, known: ReadonlyMap<string, ProjectRecord>): string[] {
  const above: string[] = [];
  let parentId = project.parent_id;
  while (parentId !== project.domain_id && above.length <= limits.projectDepthMax) {
    above.push(parentId);
    parentId = known.get(parentId)?.parent_id ?? project.domain_id;
  }
  return [...above, project.domain_id];
}
