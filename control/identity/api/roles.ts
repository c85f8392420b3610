/** `/v3/roles`, and which roles they imply. */
import { param, type Route } from '../../api/route.ts';
import { forbidden, notFound } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import { newId } from '../new-id.ts';
import { withImplied } from '../access/effective-roles.ts';
import type { RoleRecord } from '../records/records.ts';
import { revoke } from '../tokens/revoke.ts';
import { removeGrants } from './removal.ts';
import { attribute, attributesOf, bodyOf, checkedName, checkFixed, many, one } from './resource.ts';

const attributes = {
  name: attribute.name,
  description: attribute.textOrNull,
  domain_id: attribute.idOrNull,
};

export const roleRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/roles',
    operation: 'identity:list_roles',
    async handle({ roles }, call) {
      const wanted = call.query['domain_id'] ?? null;
      const found = (await roles.list()).filter(({ domain_id }) => domain_id === wanted);
      return many(call, 'roles', found, ['name']);
    },
  },
  {
    method: 'POST',
    path: '/roles',
    operation: 'identity:create_role',
    body: bodyOf('role', attributes, ['name']),
    async handle({ roles, domains, randomness }, call) {
      const given = attributesOf(call, 'role');
      const domainId = typeof given['domain_id'] === 'string' ? given['domain_id'] : null;
      if (domainId !== null) await domains.get(domainId);
      const role: RoleRecord = {
        options: {},
        ...given,
        id: newId(randomness),
        name: checkedName(given['name']),
        description: typeof given['description'] === 'string' ? given['description'] : null,
        domain_id: domainId,
      };
      await roles.insert(role, { compare: domainId === null ? [] : [domains.exists(domainId)] });
      return one(call, 'roles', 'role', role, 201);
    },
  },
  {
    method: 'GET',
    path: '/roles/:role_id',
    operation: 'identity:get_role',
    async handle({ roles }, call) {
      return one(call, 'roles', 'role', await roles.get(param(call, 'role_id')));
    },
  },
  {
    method: 'PATCH',
    path: '/roles/:role_id',
    operation: 'identity:update_role',
    body: bodyOf('role', attributes),
    async handle(identity, call) {
      const given = attributesOf(call, 'role');
      const id = param(call, 'role_id');
      const after = await identity.roles.update(
        id,
        (before) => {
          checkFixed(before, given, ['domain_id']);
          const name = given['name'] === undefined ? before.name : checkedName(given['name']);
          return { ...before, ...given, id, name };
        },
        // A token names its roles: under another name it is another role.
        (before, next) => (before.name === next.name ? {} : { then: [revoke(identity, { roleId: id })] }),
      );
      return one(call, 'roles', 'role', after);
    },
  },
  {
    method: 'DELETE',
    path: '/roles/:role_id',
    operation: 'identity:delete_role',
    async handle(identity, call) {
      const id = param(call, 'role_id');
      const lost = await withImplied(identity, [id]);
      await identity.roles.remove(id, () => ({
        then: [...lost].map((roleId) => revoke(identity, { roleId })),
      }));
      await removeGrants(identity, ({ roleId }) => roleId === id);
      for (const [prior, implied] of await identity.implied.all())
        if (prior === id || implied === id) await identity.implied.remove(prior, implied);
      return { status: 204 };
    },
  },
];

const impliesPath = '/roles/:prior_role_id/implies/:implied_role_id';

export const impliedRoleRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/role_inferences',
    operation: 'identity:list_role_inference_rules',
    async handle(identity, call) {
      const roles = await identity.roles.list();
      const rules = await Promise.all(roles.map(async (role) => await inference(identity, role)));
      const found = rules.filter(({ implies }) => implies.length > 0);
      return { body: { role_inferences: found, links: { self: `${call.base}/role_inferences` } } };
    },
  },
  {
    method: 'GET',
    path: '/roles/:prior_role_id/implies',
    operation: 'identity:list_implied_roles',
    async handle(identity, call) {
      const prior = await identity.roles.get(param(call, 'prior_role_id'));
      return { body: { role_inference: await inference(identity, prior), links: { self: call.base } } };
    },
  },
  {
    method: 'PUT',
    path: impliesPath,
    operation: 'identity:create_implied_role',
    async handle(identity, call) {
      const { roles, implied } = identity;
      const prior = await roles.get(param(call, 'prior_role_id'));
      const other = await roles.get(param(call, 'implied_role_id'));
      if (other.name === 'admin') throw forbidden('The role admin cannot be implied.');
      if ((await withImplied(identity, [other.id])).has(prior.id))
        throw forbidden('Roles cannot imply each other.');
      await implied.add(prior.id, other.id, [roles.exists(prior.id), roles.exists(other.id)]);
      return {
        status: 201,
        body: {
          role_inference: { prior_role: named(prior), implies: named(other) },
          links: { self: call.base },
        },
      };
    },
  },
  {
    method: 'GET',
    path: impliesPath,
    operation: 'identity:get_implied_role',
    async handle({ roles, implied }, call) {
      const prior = await roles.get(param(call, 'prior_role_id'));
      const other = await roles.get(param(call, 'implied_role_id'));
      if (!(await implied.has(prior.id, other.id))) throw notFound('implied role', other.id);
      return { body: { role_inference: { prior_role: named(prior), implies: named(other) } } };
    },
  },
  {
    method: 'DELETE',
    path: impliesPath,
    operation: 'identity:delete_implied_role',
    async handle(identity, call) {
      const [prior, other] = [param(call, 'prior_role_id'), param(call, 'implied_role_id')];
      const lost = await withImplied(identity, [other]);
      const also = [...lost].map((roleId) => revoke(identity, { roleId }));
      if (!(await identity.implied.remove(prior, other, also))) throw notFound('implied role', other);
      return { status: 204 };
    },
  },
];

async function inference({ roles, implied }: Identity, prior: RoleRecord) {
  const found = await Promise.all((await implied.others(prior.id)).map((id) => roles.find(id)));
  const implies = found.flatMap((each) => (each === undefined ? [] : [named(each.value)]));
  return { prior_role: named(prior), implies };
}

function named({ id, name }: RoleRecord) {
  return { id, name };
}
