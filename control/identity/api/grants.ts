/**
 * Roles given to users and groups on projects, domains and the system: `/v3/projects/{id}/users/{id}/roles/{id}` and the
 * like, and below `/v3/OS-INHERIT` those that reach the projects below.
 */
import { type Call, type Method, param, type Route } from '../../api/route.ts';
import type { PolicyTarget } from '../../policy/rules.ts';
import { withImplied } from '../access/effective-roles.ts';
import { forbidden, notFound } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import { type Grant, SYSTEM } from '../records/grants.ts';
import { revoke } from '../tokens/revoke.ts';
import { many } from './resource.ts';

type Actor = Grant['actor']['kind'];
type Place = Grant['target']['kind'];

interface Shape {
  readonly actor: Actor;
  readonly place: Place;
  readonly isInherited: boolean;
}

const shapes: readonly Shape[] = (['user', 'group'] as const).flatMap((actor) => [
  { actor, place: 'project', isInherited: false } as const,
  { actor, place: 'domain', isInherited: false } as const,
  { actor, place: 'system', isInherited: false } as const,
  { actor, place: 'project', isInherited: true } as const,
  { actor, place: 'domain', isInherited: true } as const,
]);

export const grantRoutes: readonly Route[] = shapes.flatMap(routesOf);

function routesOf(shape: Shape): Route[] {
  const { actor, place, isInherited } = shape;
  const where = place === 'system' ? '/system' : `/${place}s/:${place}_id`;
  const list = `${isInherited ? '/OS-INHERIT' : ''}${where}/${actor}s/:${actor}_id/roles`;
  const end = isInherited ? '/inherited_to_projects' : '';
  const target = (identity: Identity, call: Call) => targetOf(identity, call, shape);
  const operation = (verb: 'check' | 'create' | 'revoke') =>
    place === 'system' ? (`identity:${verb}_system_grant` as const) : (`identity:${verb}_grant` as const);
  const single = (method: Method, verb: 'check' | 'create' | 'revoke', handle: Route['handle']): Route => ({
    method,
    path: `${list}/:role_id${end}`,
    operation: operation(verb),
    target,
    handle,
  });
  return [
    {
      method: 'GET',
      path: list + end,
      operation: place === 'system' ? 'identity:list_system_grants' : 'identity:list_grants',
      target,
      handle: async (identity, call) => await listRoles(identity, call, shape),
    },
    single('GET', 'check', async (identity, call) => {
      if (!(await identity.grants.has(grantOf(call, shape)))) throw missing(call);
      return { status: 204 };
    }),
    single('PUT', 'create', async (identity, call) => {
      await give(identity, grantOf(call, shape));
      return { status: 204 };
    }),
    single('DELETE', 'revoke', async (identity, call) => {
      const grant = grantOf(call, shape);
      if (!(await identity.grants.has(grant))) throw missing(call);
      await take(identity, grant);
      return { status: 204 };
    }),
  ];
}

function grantOf(call: Call, { actor, place, isInherited }: Shape): Grant {
  return {
    actor: { kind: actor, id: param(call, `${actor}_id`) },
    target: place === 'system' ? SYSTEM : { kind: place, id: param(call, `${place}_id`) },
    roleId: call.params['role_id'] ?? '',
    isInherited,
  };
}

/** The domains of the actor, of the place and of the role, all of which have a part in it. */
async function targetOf(identity: Identity, call: Call, shape: Shape): Promise<PolicyTarget> {
  const { actor, target, roleId } = grantOf(call, shape);
  const actors = actor.kind === 'user' ? identity.users : identity.groups;
  const who = (await actors.find(actor.id))?.value;
  const project = target.kind === 'project' ? (await identity.projects.find(target.id))?.value : undefined;
  const where = target.kind === 'domain' ? target.id : project?.domain_id;
  const role = roleId === '' ? undefined : (await identity.roles.find(roleId))?.value;
  if (who === undefined || where === undefined) return {};
  const ofRole = role === undefined || role.domain_id === null ? [] : [role.domain_id];
  return {
    domainIds: [who.domain_id, where, ...ofRole],
    // A role of a domain may be called like one that is good everywhere, and is another.
    ...(role === undefined || role.domain_id !== null ? {} : { roleName: role.name }),
  };
}

async function give(identity: Identity, grant: Grant): Promise<void> {
  const { actor, target, roleId } = grant;
  const { users, groups, projects, domains, roles } = identity;
  const actors = actor.kind === 'user' ? users : groups;
  await actors.get(actor.id);
  const role = await roles.get(roleId);
  const compare = [actors.exists(actor.id), roles.exists(roleId)];
  if (target.kind !== 'system') {
    const places = target.kind === 'project' ? projects : domains;
    const place = await places.get(target.id);
    const domainId = 'domain_id' in place ? place.domain_id : place.id;
    if (role.domain_id !== null && role.domain_id !== domainId)
      throw forbidden('A role of a domain is good in that domain only.');
    compare.push(places.exists(target.id));
  } else if (role.domain_id !== null) throw forbidden('A role of a domain is good in that domain only.');
  await identity.grants.add(grant, compare);
}

/** Tokens in which the role may be are taken back in the same transaction. */
async function take(identity: Identity, grant: Grant): Promise<void> {
  const { actor, target, isInherited, roleId } = grant;
  const userIds = actor.kind === 'user' ? [actor.id] : await identity.members.ones(actor.id);
  const place =
    isInherited || target.kind === 'domain'
      ? {}
      : target.kind === 'project'
        ? { projectId: target.id }
        : { isSystem: true };
  const isMuch = userIds.length > 100;
  const revocations = isMuch
    ? [...(await withImplied(identity, [roleId]))].map((id) => revoke(identity, { roleId: id, ...place }))
    : userIds.map((userId) => revoke(identity, { userId, ...place }));
  await identity.store.transact({ then: [identity.grants.remove(grant), ...revocations] });
}

async function listRoles(identity: Identity, call: Call, shape: Shape) {
  const wanted = grantOf(call, shape);
  const actors = wanted.actor.kind === 'user' ? identity.users : identity.groups;
  await actors.get(wanted.actor.id);
  const grants = (await identity.grants.of(wanted.actor)).filter(
    ({ target, isInherited }) =>
      target.kind === wanted.target.kind &&
      target.id === wanted.target.id &&
      isInherited === wanted.isInherited,
  );
  const found = await Promise.all(grants.map(({ roleId }) => identity.roles.find(roleId)));
  return many(
    call,
    'roles',
    found.flatMap((each) => (each === undefined ? [] : [each.value])),
    ['name'],
  );
}

function missing(call: Call) {
  return notFound('role assignment with role', param(call, 'role_id'));
}
