/** `/v3/users`. */
import { bearerOf, type Call, param, type Route } from '../../api/route.ts';
import { domainsOfUser, projectsOfUser } from '../access/effective-roles.ts';
import { isoTime } from '../auth/token-body.ts';
import { badRequest } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import { newId } from '../new-id.ts';
import type { UserRecord } from '../records/records.ts';
import { revoke } from '../tokens/revoke.ts';
import { assertMayTend } from './domain-authority.ts';
import { removeUser } from './removal.ts';
import { attribute, attributesOf, bodyOf, checkedName, checkFixed, many, one } from './resource.ts';
import { domainFor, visibleDomains, withinVisible } from './visible.ts';

const attributes = {
  name: attribute.name,
  password: { type: ['string', 'null'] },
  domain_id: attribute.idOrNull,
  default_project_id: attribute.idOrNull,
  enabled: attribute.flag,
  description: attribute.textOrNull,
  options: {
    type: 'object',
    properties: {
      ignore_change_password_upon_first_use: attribute.flag,
      ignore_password_expiry: attribute.flag,
      ignore_lockout_failure_attempts: attribute.flag,
      lock_password: attribute.flag,
    },
    additionalProperties: false,
  },
};

/** The user that the path names, with its domain. */
export async function userTarget({ users }: Identity, call: Call) {
  const userId = param(call, 'user_id');
  const user = (await users.find(userId))?.value;
  return { userId, ...(user === undefined ? {} : { domainIds: [user.domain_id] }) };
}

export const userRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/users',
    operation: 'identity:list_users',
    target: (_, call) => visibleDomains(call),
    async handle(identity, call) {
      const users = withinVisible(call, await identity.users.list());
      const shown = await Promise.all(users.map((user) => presented(identity, user)));
      return many(call, 'users', shown, ['name', 'enabled', 'domain_id']);
    },
  },
  {
    method: 'POST',
    path: '/users',
    operation: 'identity:create_user',
    body: bodyOf('user', attributes, ['name']),
    target: (_, call) => ({ domainIds: [domainFor(call, attributesOf(call, 'user')['domain_id'])] }),
    async handle(identity, call) {
      const { password, ...given } = attributesOf(call, 'user');
      const domainId = domainFor(call, given['domain_id']);
      // Read, so that a domain which is not there is named.
      await identity.domains.get(domainId);
      const user: UserRecord = {
        enabled: true,
        options: {},
        ...given,
        id: newId(identity.randomness),
        name: checkedName(given['name']),
        domain_id: domainId,
      };
      const secret =
        typeof password === 'string' ? await identity.passwords.operationsToSet(user.id, password) : [];
      await identity.users.insert(user, { compare: [identity.domains.exists(domainId)], then: secret });
      return one(call, 'users', 'user', await presented(identity, user), 201);
    },
  },
  {
    method: 'GET',
    path: '/users/:user_id',
    operation: 'identity:get_user',
    target: userTarget,
    async handle(identity, call) {
      return one(
        call,
        'users',
        'user',
        await presented(identity, await identity.users.get(param(call, 'user_id'))),
      );
    },
  },
  {
    method: 'PATCH',
    path: '/users/:user_id',
    operation: 'identity:update_user',
    body: bodyOf('user', attributes),
    target: userTarget,
    handle: updateUser,
  },
  {
    method: 'DELETE',
    path: '/users/:user_id',
    operation: 'identity:delete_user',
    target: userTarget,
    async handle(identity, call) {
      const id = param(call, 'user_id');
      await assertMayTend(identity, call, { kind: 'user', id });
      await removeUser(identity, id);
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: '/users/:user_id/projects',
    operation: 'identity:list_user_projects',
    target: userTarget,
    async handle(identity, call) {
      const { id } = await identity.users.get(param(call, 'user_id'));
      return many(call, 'projects', await projectsOfUser(identity, id), ['name', 'enabled', 'domain_id']);
    },
  },
  {
    method: 'GET',
    path: '/auth/projects',
    operation: 'identity:get_auth_projects',
    async handle(identity, call) {
      const projects = await projectsOfUser(identity, bearerOf(call).user.id);
      return many(
        call,
        'projects',
        projects.filter(({ enabled }) => enabled),
        ['name', 'domain_id'],
      );
    },
  },
  {
    method: 'GET',
    path: '/auth/domains',
    operation: 'identity:get_auth_domains',
    async handle(identity, call) {
      const domains = await domainsOfUser(identity, bearerOf(call).user.id);
      return many(
        call,
        'domains',
        domains.filter(({ enabled }) => enabled),
        ['name'],
      );
    },
  },
];

async function updateUser(identity: Identity, call: Call) {
  const { password, ...given } = attributesOf(call, 'user');
  const id = param(call, 'user_id');
  const known = await identity.users.get(id);
  await assertMayTend(identity, call, { kind: 'user', id });
  if (typeof password === 'string' && known.options.lock_password === true)
    throw badRequest('The password of this user is locked.');
  const secret = typeof password === 'string' ? await identity.passwords.operationsToSet(id, password) : [];
  const after = await identity.users.update(
    id,
    (before) => {
      checkFixed(before, given, ['domain_id']);
      const name = given['name'] === undefined ? before.name : checkedName(given['name']);
      const options = { ...before.options, ...Object(given['options']) };
      return { ...before, ...given, id, name, options };
    },
    (before, next) => {
      const ends = (before.enabled && !next.enabled) || before.name !== next.name || secret.length > 0;
      return { then: [...secret, ...(ends ? [revoke(identity, { userId: id })] : [])] };
    },
  );
  return one(call, 'users', 'user', await presented(identity, after));
}

async function presented({ passwords }: Identity, user: UserRecord): Promise<UserRecord> {
  const expiresMs = (await passwords.find(user.id))?.expiresMs ?? null;
  return { ...user, password_expires_at: expiresMs === null ? null : isoTime(expiresMs) };
}
