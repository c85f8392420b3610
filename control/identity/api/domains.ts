/** `/v3/domains`. */
import { type Call, param, type Route } from '../../api/route.ts';
import { isUnchanged } from '../../store/operations.ts';
import { forbidden } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import { newId } from '../new-id.ts';
import type { DomainRecord } from '../records/records.ts';
import { limits } from '../settings.ts';
import { revoke } from '../tokens/revoke.ts';
import { removeGrants, removeGroup, removeProject, removeUser } from './removal.ts';
import { attribute, attributesOf, bodyOf, checkedName, checkFixed, many, one } from './resource.ts';
import { visibleDomains } from './visible.ts';

const attributes = {
  name: { ...attribute.name, maxLength: limits.projectNameCharactersMax },
  description: attribute.text,
  enabled: attribute.flag,
  explicit_domain_id: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' },
};

const target = (_: Identity, call: Call) => ({ domainIds: [param(call, 'domain_id')] });

export const domainRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/domains',
    operation: 'identity:list_domains',
    target: (_, call) => visibleDomains(call),
    async handle({ domains }, call) {
      const { domainIds } = visibleDomains(call);
      const all = await domains.list();
      const visible = domainIds === undefined ? all : all.filter(({ id }) => domainIds.includes(id));
      return many(call, 'domains', visible, ['name', 'enabled']);
    },
  },
  {
    method: 'POST',
    path: '/domains',
    operation: 'identity:create_domain',
    body: bodyOf('domain', attributes, ['name']),
    async handle(identity, call) {
      const { explicit_domain_id, ...given } = attributesOf(call, 'domain');
      const domain: DomainRecord = {
        description: '',
        enabled: true,
        tags: [],
        options: {},
        ...given,
        id: typeof explicit_domain_id === 'string' ? explicit_domain_id : newId(identity.randomness),
        name: checkedName(given['name'], limits.projectNameCharactersMax),
      };
      await identity.domains.insert(domain);
      return one(call, 'domains', 'domain', domain, 201);
    },
  },
  {
    method: 'GET',
    path: '/domains/:domain_id',
    operation: 'identity:get_domain',
    target,
    async handle({ domains }, call) {
      return one(call, 'domains', 'domain', await domains.get(param(call, 'domain_id')));
    },
  },
  {
    method: 'PATCH',
    path: '/domains/:domain_id',
    operation: 'identity:update_domain',
    body: bodyOf('domain', attributes),
    target,
    async handle(identity, call) {
      const given = attributesOf(call, 'domain');
      const id = param(call, 'domain_id');
      const after = await identity.domains.update(
        id,
        (before) => {
          checkFixed(before, given, []);
          const name = given['name'] === undefined ? before.name : checkedName(given['name']);
          return { ...before, ...given, id: before.id, name };
        },
        (before, next) =>
          (before.enabled && !next.enabled) || before.name !== next.name
            ? { then: [revoke(identity, { domainId: id })] }
            : {},
      );
      return one(call, 'domains', 'domain', after);
    },
  },
  {
    method: 'DELETE',
    path: '/domains/:domain_id',
    operation: 'identity:delete_domain',
    target,
    async handle(identity, call) {
      await removeDomain(identity, param(call, 'domain_id'));
      return { status: 204 };
    },
  },
];

/** What is in it goes first, so that a crash leaves a domain that can be deleted again and not what nobody finds. */
async function removeDomain(identity: Identity, id: string): Promise<void> {
  const domain = await identity.domains.get(id);
  if (domain.enabled) throw forbidden('Cannot delete a domain that is enabled, please disable it first.');
  const inside = ({ domain_id }: { domain_id: string | null }) => domain_id === id;
  const projects = (await identity.projects.list()).filter(inside);
  // Those below others go first; a hierarchy is no deeper than its limit.
  for (let left = projects; left.length > 0; ) {
    const leaves = left.filter((project) => !left.some(({ parent_id }) => parent_id === project.id));
    if (leaves.length === 0) break;
    for (const project of leaves) await removeProject(identity, project.id);
    left = left.filter((project) => !leaves.includes(project));
  }
  for (const user of (await identity.users.list()).filter(inside)) await removeUser(identity, user.id);
  for (const group of (await identity.groups.list()).filter(inside)) await removeGroup(identity, group.id);
  for (const role of (await identity.roles.list()).filter(inside)) await identity.roles.remove(role.id);
  await removeGrants(identity, ({ target: of }) => of.kind === 'domain' && of.id === id);
  const found = await identity.domains.find(id);
  if (found === undefined) return;
  await identity.domains.remove(id, () => ({
    compare: [isUnchanged(found.entry)],
    then: [revoke(identity, { domainId: id })],
  }));
}
