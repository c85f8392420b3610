/** `/v3/projects`, and their tags in project-tags.ts. */
import { bearerOf, type Call, isFlagged, param, type Route } from '../../api/route.ts';
import { mayDo } from '../../policy/policy.ts';
import { ancestorsOf, projectsOfUser } from '../access/effective-roles.ts';
import { badRequest, forbidden, notFound } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import { newId } from '../new-id.ts';
import type { ProjectRecord } from '../records/records.ts';
import { limits } from '../settings.ts';
import { revoke } from '../tokens/revoke.ts';
import { removeProject } from './removal.ts';
import { attribute, attributesOf, bodyOf, checkedName, checkFixed, many, one, shown } from './resource.ts';
import { domainFor, visibleDomains, withinVisible } from './visible.ts';

const attributes = {
  name: { ...attribute.name, maxLength: limits.projectNameCharactersMax },
  description: attribute.textOrNull,
  enabled: attribute.flag,
  domain_id: attribute.idOrNull,
  parent_id: attribute.idOrNull,
  is_domain: { const: false },
  tags: {
    type: 'array',
    maxItems: limits.tagsMax,
    uniqueItems: true,
    items: { type: 'string', minLength: 1, maxLength: limits.tagCharactersMax, pattern: '^[^,/]*$' },
  },
};

export async function projectTarget({ projects }: Identity, call: Call) {
  const id = param(call, 'project_id');
  const project = (await projects.find(id))?.value;
  return { projectId: id, ...(project === undefined ? {} : { domainIds: [project.domain_id] }) };
}

/** The domain that the body names, or that its parent is in. */
async function domainOfNew({ projects }: Identity, call: Call): Promise<string> {
  const { domain_id, parent_id } = attributesOf(call, 'project');
  const parent = typeof parent_id === 'string' ? (await projects.find(parent_id))?.value : undefined;
  if (parent !== undefined && typeof domain_id === 'string' && domain_id !== parent.domain_id)
    throw badRequest('A project is in the domain of its parent.');
  return parent?.domain_id ?? domainFor(call, domain_id ?? parent_id);
}

export const projectRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/projects',
    operation: 'identity:list_projects',
    target: (_, call) => visibleDomains(call),
    async handle({ projects }, call) {
      const all = withinVisible(call, await projects.list());
      const tags = call.query['tags']?.split(',');
      // A domain is not listed as a project.
      const found = call.query['is_domain'] !== undefined && isFlagged(call, 'is_domain') ? [] : all;
      const tagged =
        tags === undefined ? found : found.filter((each) => tags.every((tag) => each.tags.includes(tag)));
      return many(call, 'projects', tagged.map(presented), ['name', 'enabled', 'parent_id', 'domain_id']);
    },
  },
  {
    method: 'POST',
    path: '/projects',
    operation: 'identity:create_project',
    body: bodyOf('project', attributes, ['name']),
    target: async (identity, call) => ({ domainIds: [await domainOfNew(identity, call)] }),
    async handle(identity, call) {
      const given = attributesOf(call, 'project');
      const domainId = await domainOfNew(identity, call);
      const { parent_id } = given;
      const project: ProjectRecord = {
        enabled: true,
        tags: [],
        options: {},
        ...given,
        description: typeof given['description'] === 'string' ? given['description'] : '',
        id: newId(identity.randomness),
        name: checkedName(given['name'], limits.projectNameCharactersMax),
        domain_id: domainId,
        parent_id: typeof parent_id === 'string' ? parent_id : domainId,
      };
      await identity.projects.insert(project, { compare: await placeOf(identity, project) });
      return one(call, 'projects', 'project', presented(project), 201);
    },
  },
  {
    method: 'GET',
    path: '/projects/:project_id',
    operation: 'identity:get_project',
    target: projectTarget,
    async handle(identity, call) {
      const project = await identity.projects.get(param(call, 'project_id'));
      return one(call, 'projects', 'project', {
        ...presented(project),
        ...(await family(identity, call, project)),
      });
    },
  },
  {
    method: 'PATCH',
    path: '/projects/:project_id',
    operation: 'identity:update_project',
    body: bodyOf('project', attributes),
    target: projectTarget,
    async handle(identity, call) {
      const given = attributesOf(call, 'project');
      const id = param(call, 'project_id');
      const after = await identity.projects.update(
        id,
        (before) => {
          checkFixed(before, given, ['domain_id', 'parent_id']);
          const name =
            given['name'] === undefined
              ? before.name
              : checkedName(given['name'], limits.projectNameCharactersMax);
          const description =
            typeof given['description'] === 'string' ? given['description'] : before.description;
          return { ...before, ...given, id, name, description };
        },
        (before, next) =>
          (before.enabled && !next.enabled) || before.name !== next.name
            ? { then: [revoke(identity, { projectId: id })] }
            : {},
      );
      return one(call, 'projects', 'project', presented(after));
    },
  },
  {
    method: 'DELETE',
    path: '/projects/:project_id',
    operation: 'identity:delete_project',
    target: projectTarget,
    async handle(identity, call) {
      await removeProject(identity, param(call, 'project_id'));
      return { status: 204 };
    },
  },
];

/** What must be there while the project is made: its domain and its parent. */
async function placeOf(identity: Identity, project: ProjectRecord) {
  const { domains, projects } = identity;
  const domain = await domains.find(project.domain_id);
  if (domain === undefined) throw notFound('domain', project.domain_id);
  if (project.parent_id === project.domain_id) return [domains.exists(project.domain_id)];
  const parent = await projects.find(project.parent_id);
  if (parent === undefined) throw notFound('project', project.parent_id);
  if (!parent.value.enabled) throw forbidden('Cannot create a project below one that is disabled.');
  if ((await ancestorsOf(identity, project)).length > limits.projectDepthMax)
    throw forbidden(`Projects stand at most ${limits.projectDepthMax} deep.`);
  return [domains.exists(project.domain_id), projects.exists(project.parent_id)];
}

function presented(project: ProjectRecord): ProjectRecord {
  return { ...project, is_domain: false };
}

/** Of a project's relatives, those that the bearer may see, or has a role on. */
async function visible(
  identity: Identity,
  call: Call,
  found: readonly ProjectRecord[],
): Promise<ProjectRecord[]> {
  const bearer = bearerOf(call);
  const own = new Set((await projectsOfUser(identity, bearer.user.id)).map(({ id }) => id));
  return found.filter(
    ({ id, domain_id }) =>
      own.has(id) || mayDo('identity:get_project', bearer, { projectId: id, domainIds: [domain_id] }),
  );
}

/** `parents_as_list`, `parents_as_ids`, `subtree_as_list`, `subtree_as_ids`. */
async function family(identity: Identity, call: Call, project: ProjectRecord): Promise<object> {
  const parentIds = async () => (await ancestorsOf(identity, project)).slice(0, -1);
  const list = async (found: readonly ProjectRecord[]) =>
    (await visible(identity, call, found)).map((each) => ({
      project: shown(call, 'projects', presented(each)),
    }));
  if (isFlagged(call, 'parents_as_ids'))
    return {
      parents: (await parentIds()).reduceRight<object | null>((above, id) => ({ [id]: above }), null),
    };
  if (isFlagged(call, 'parents_as_list')) {
    const found = await Promise.all((await parentIds()).map((id) => identity.projects.find(id)));
    return { parents: await list(found.flatMap((each) => (each === undefined ? [] : [each.value]))) };
  }
  if (!isFlagged(call, 'subtree_as_ids') && !isFlagged(call, 'subtree_as_list')) return {};
  const all = await identity.projects.list();
  const below = (id: string): ProjectRecord[] =>
    all.filter(({ parent_id }) => parent_id === id).flatMap((child) => [child, ...below(child.id)]);
  if (isFlagged(call, 'subtree_as_list')) return { subtree: await list(below(project.id)) };
  const tree = (id: string): object | null => {
    const children = all.filter(({ parent_id }) => parent_id === id);
    return children.length === 0
      ? null
      : Object.fromEntries(children.map((child) => [child.id, tree(child.id)]));
  };
  return { subtree: tree(project.id) };
}
