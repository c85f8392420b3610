/** `/v3/groups`, and who is in them. */
import { type Call, param, type Route } from '../../api/route.ts';
import { notFound } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import { newId } from '../new-id.ts';
import type { GroupRecord } from '../records/records.ts';
import { revoke } from '../tokens/revoke.ts';
import { assertMayTend } from './domain-authority.ts';
import { removeGroup } from './removal.ts';
import { attribute, attributesOf, bodyOf, checkedName, checkFixed, many, one } from './resource.ts';
import { userTarget } from './users.ts';
import { domainFor, visibleDomains, withinVisible } from './visible.ts';

const attributes = {
  name: attribute.name,
  description: attribute.textOrNull,
  domain_id: attribute.idOrNull,
};

async function groupTarget({ groups }: Identity, call: Call) {
  const group = (await groups.find(param(call, 'group_id')))?.value;
  return group === undefined ? {} : { domainIds: [group.domain_id] };
}

/** Group and user: both have to be of the domain. */
async function memberTarget({ groups, users }: Identity, call: Call) {
  const group = (await groups.find(param(call, 'group_id')))?.value;
  const user = (await users.find(param(call, 'user_id')))?.value;
  return group === undefined || user === undefined ? {} : { domainIds: [group.domain_id, user.domain_id] };
}

const memberPath = '/groups/:group_id/users/:user_id';

export const groupRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/groups',
    operation: 'identity:list_groups',
    target: (_, call) => visibleDomains(call),
    async handle({ groups }, call) {
      return many(call, 'groups', withinVisible(call, await groups.list()), ['name', 'domain_id']);
    },
  },
  {
    method: 'POST',
    path: '/groups',
    operation: 'identity:create_group',
    body: bodyOf('group', attributes, ['name']),
    target: (_, call) => ({ domainIds: [domainFor(call, attributesOf(call, 'group')['domain_id'])] }),
    async handle({ groups, domains, randomness }, call) {
      const given = attributesOf(call, 'group');
      const domainId = domainFor(call, given['domain_id']);
      await domains.get(domainId);
      const group: GroupRecord = {
        ...given,
        id: newId(randomness),
        name: checkedName(given['name']),
        description: typeof given['description'] === 'string' ? given['description'] : '',
        domain_id: domainId,
      };
      await groups.insert(group, { compare: [domains.exists(domainId)] });
      return one(call, 'groups', 'group', group, 201);
    },
  },
  {
    method: 'GET',
    path: '/groups/:group_id',
    operation: 'identity:get_group',
    target: groupTarget,
    async handle({ groups }, call) {
      return one(call, 'groups', 'group', await groups.get(param(call, 'group_id')));
    },
  },
  {
    method: 'PATCH',
    path: '/groups/:group_id',
    operation: 'identity:update_group',
    body: bodyOf('group', attributes),
    target: groupTarget,
    async handle({ groups }, call) {
      const given = attributesOf(call, 'group');
      const after = await groups.update(param(call, 'group_id'), (before) => {
        checkFixed(before, given, ['domain_id']);
        const name = given['name'] === undefined ? before.name : checkedName(given['name']);
        return { ...before, ...given, id: before.id, name };
      });
      return one(call, 'groups', 'group', after);
    },
  },
  {
    method: 'DELETE',
    path: '/groups/:group_id',
    operation: 'identity:delete_group',
    target: groupTarget,
    async handle(identity, call) {
      const id = param(call, 'group_id');
      await assertMayTend(identity, call, { kind: 'group', id });
      await removeGroup(identity, id);
      return { status: 204 };
    },
  },
];

export const memberRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/users/:user_id/groups',
    operation: 'identity:list_groups_for_user',
    target: userTarget,
    async handle({ users, groups, members }, call) {
      const { id } = await users.get(param(call, 'user_id'));
      const found = await Promise.all((await members.others(id)).map((groupId) => groups.find(groupId)));
      return many(
        call,
        'groups',
        found.flatMap((each) => (each === undefined ? [] : [each.value])),
        ['name'],
      );
    },
  },
  {
    method: 'GET',
    path: '/groups/:group_id/users',
    operation: 'identity:list_users_in_group',
    target: groupTarget,
    async handle({ users, groups, members }, call) {
      const { id } = await groups.get(param(call, 'group_id'));
      const found = await Promise.all((await members.ones(id)).map((userId) => users.find(userId)));
      return many(
        call,
        'users',
        found.flatMap((each) => (each === undefined ? [] : [each.value])),
        ['name', 'enabled'],
      );
    },
  },
  {
    method: 'PUT',
    path: memberPath,
    operation: 'identity:add_user_to_group',
    target: memberTarget,
    async handle(identity, call) {
      const { users, groups, members } = identity;
      const user = await users.get(param(call, 'user_id'));
      const group = await groups.get(param(call, 'group_id'));
      await assertMayTend(identity, call, { kind: 'group', id: group.id });
      await members.add(user.id, group.id, [users.exists(user.id), groups.exists(group.id)]);
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: memberPath,
    operation: 'identity:check_user_in_group',
    target: memberTarget,
    async handle({ members }, call) {
      const [userId, groupId] = [param(call, 'user_id'), param(call, 'group_id')];
      if (!(await members.has(userId, groupId))) throw notFound('user in the group', userId);
      return { status: 204 };
    },
  },
  {
    method: 'DELETE',
    path: memberPath,
    operation: 'identity:remove_user_from_group',
    target: memberTarget,
    async handle(identity, call) {
      const [userId, groupId] = [param(call, 'user_id'), param(call, 'group_id')];
      await assertMayTend(identity, call, { kind: 'group', id: groupId });
      const also = [revoke(identity, { userId })];
      if (!(await identity.members.remove(userId, groupId, also)))
        throw notFound('user in the group', userId);
      return { status: 204 };
    },
  },
];
