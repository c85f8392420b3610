/** `/v3/role_assignments`: who has which role where, as given or as it comes to (`effective`). */
import { bearerOf, type Call, isFlagged, type Route } from '../../api/route.ts';
import { ancestorsOf, withImplied } from '../access/effective-roles.ts';
import { badRequest } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import { type Grant, SYSTEM } from '../records/grants.ts';
import type { ProjectRecord } from '../records/records.ts';
import { limits } from '../settings.ts';
import { visibleDomains } from './visible.ts';

type Filter = (grant: Grant) => boolean;

export const roleAssignmentRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/role_assignments',
    operation: 'identity:list_role_assignments',
    target: async (identity, call) => {
      const projectId = call.query['scope.project.id'];
      const project = projectId === undefined ? undefined : (await identity.projects.find(projectId))?.value;
      const domainId = project?.domain_id ?? call.query['scope.domain.id'];
      return domainId === undefined ? visibleDomains(call) : { domainIds: [domainId] };
    },
    async handle(identity, call) {
      checkFilters(call);
      const given = await identity.grants.all();
      const grants = isFlagged(call, 'effective') ? await effective(identity, call, given) : given;
      const visible = await visibleFilter(identity, call);
      const place = await placeFilter(identity, call);
      const found = grants.filter((grant) => isAskedFor(grant, call) && place(grant) && visible(grant));
      const names = isFlagged(call, 'include_names') ? await namesOf(identity) : undefined;
      const shown = found.slice(0, limits.listMax).map((grant) => presented(grant, call, names));
      return {
        body: {
          role_assignments: shown,
          links: { self: `${call.base}/role_assignments`, previous: null, next: null },
          ...(found.length > limits.listMax ? { truncated: true } : {}),
        },
      };
    },
  },
];

function checkFilters(call: Call): void {
  const scopes = ['scope.project.id', 'scope.domain.id', 'scope.system'].filter(
    (name) => call.query[name] !== undefined,
  );
  if (scopes.length > 1)
    throw badRequest('A role assignment is on one of a project, a domain and the system.');
  if (call.query['user.id'] !== undefined && call.query['group.id'] !== undefined)
    throw badRequest('A role assignment is of a user or of a group.');
  if (isFlagged(call, 'effective') && call.query['group.id'] !== undefined)
    throw badRequest('Effective role assignments are of users.');
}

function isAskedFor({ actor, roleId, isInherited }: Grant, { query }: Call): boolean {
  const fits = (name: string, value: string | undefined) =>
    query[name] === undefined || query[name] === value;
  return (
    fits('user.id', actor.kind === 'user' ? actor.id : undefined) &&
    fits('group.id', actor.kind === 'group' ? actor.id : undefined) &&
    fits('role.id', roleId) &&
    (query['scope.OS-INHERIT:inherited_to'] === undefined || isInherited)
  );
}

async function placeFilter(identity: Identity, call: Call): Promise<Filter> {
  const { query } = call;
  const [projectId, domainId] = [query['scope.project.id'], query['scope.domain.id']];
  if (query['scope.system'] !== undefined) return ({ target }) => target.kind === 'system';
  if (domainId !== undefined) return ({ target }) => target.kind === 'domain' && target.id === domainId;
  if (projectId === undefined) return () => true;
  const ids = new Set([projectId]);
  if (isFlagged(call, 'include_subtree')) {
    const all = await identity.projects.list();
    for (const id of ids) for (const project of all) if (project.parent_id === id) ids.add(project.id);
  }
  return ({ target }) => target.kind === 'project' && ids.has(target.id);
}

/** A token for a domain shows what is given in that domain. */
async function visibleFilter({ projects }: Identity, call: Call): Promise<Filter> {
  const { scope } = bearerOf(call);
  // Whatever else is asked for: of another domain, and of the system, it shows nothing.
  const domainIds = scope.kind === 'domain' ? [scope.domain.id] : visibleDomains(call).domainIds;
  if (domainIds === undefined) return () => true;
  const inside = (await projects.list()).filter(({ domain_id }) => domainIds.includes(domain_id));
  const ids = new Set([...inside.map(({ id }) => id), ...domainIds]);
  return ({ target }) => target.kind !== 'system' && ids.has(target.id);
}

/** Groups become their members, inheritance the projects that it reaches, a role those that it implies. */
async function effective(identity: Identity, call: Call, given: readonly Grant[]): Promise<Grant[]> {
  const projects = given.some(({ isInherited }) => isInherited) ? await identity.projects.list() : [];
  const above = new Map<string, readonly string[]>();
  for (const project of projects) above.set(project.id, await ancestorsOf(identity, project));
  const seen = new Map<string, Grant>();
  const wantedUser = call.query['user.id'];
  for (const grant of given) {
    const { actor } = grant;
    const userIds = actor.kind === 'user' ? [actor.id] : await identity.members.ones(actor.id);
    const roleIds = await withImplied(identity, [grant.roleId]);
    for (const id of userIds.filter((userId) => wantedUser === undefined || userId === wantedUser))
      for (const target of targetsOf(grant, projects, above))
        for (const roleId of roleIds) {
          const each: Grant = { actor: { kind: 'user', id }, target, roleId, isInherited: false };
          seen.set([id, target.kind, target.id, roleId].join(' '), each);
        }
  }
  return [...seen.values()];
}

function targetsOf(
  { target, isInherited }: Grant,
  projects: readonly ProjectRecord[],
  above: ReadonlyMap<string, readonly string[]>,
): Grant['target'][] {
  if (!isInherited) return [target];
  const below = projects.filter(({ id }) => above.get(id)?.includes(target.id) === true);
  return below.map(({ id }) => ({ kind: 'project', id }));
}

interface Names {
  readonly users: ReadonlyMap<string, object>;
  readonly groups: ReadonlyMap<string, object>;
  readonly projects: ReadonlyMap<string, object>;
  readonly domains: ReadonlyMap<string, object>;
  readonly roles: ReadonlyMap<string, object>;
}

async function namesOf({ users, groups, projects, domains, roles }: Identity): Promise<Names> {
  const domainList = await domains.list();
  const domainNames = new Map(domainList.map(({ id, name }) => [id, { id, name }]));
  const inDomain = (list: readonly { id: string; name: string; domain_id: string | null }[]) =>
    new Map(
      list.map(({ id, name, domain_id }) => [
        id,
        { id, name, domain: domainNames.get(domain_id ?? '') ?? {} },
      ]),
    );
  return {
    users: inDomain(await users.list()),
    groups: inDomain(await groups.list()),
    projects: inDomain(await projects.list()),
    domains: domainNames,
    roles: new Map((await roles.list()).map(({ id, name }) => [id, { id, name }])),
  };
}

function presented(
  { actor, target, roleId, isInherited }: Grant,
  call: Call,
  names: Names | undefined,
): object {
  const named = (kind: keyof Names, id: string) => names?.[kind].get(id) ?? { id };
  const place =
    target.kind === 'system'
      ? { system: { all: true } }
      : { [target.kind]: named(target.kind === 'project' ? 'projects' : 'domains', target.id) };
  const path = target.id === SYSTEM.id ? 'system' : `${target.kind}s/${target.id}`;
  return {
    role: named('roles', roleId),
    [actor.kind]: named(actor.kind === 'user' ? 'users' : 'groups', actor.id),
    scope: { ...place, ...(isInherited ? { 'OS-INHERIT:inherited_to': 'projects' } : {}) },
    links: { assignment: `${call.base}/${path}/${actor.kind}s/${actor.id}/roles/${roleId}` },
  };
}
