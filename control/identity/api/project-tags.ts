/** `/v3/projects/{id}/tags`. */
import { type Call, param, type Route } from '../../api/route.ts';
import { badRequest, notFound } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import { limits } from '../settings.ts';
import { projectTarget } from './projects.ts';

const path = '/projects/:project_id/tags';
const tag = { type: 'string', minLength: 1, maxLength: limits.tagCharactersMax, pattern: '^[^,/]*$' };

async function change(
  { projects }: Identity,
  call: Call,
  to: (tags: readonly string[]) => readonly string[],
): Promise<readonly string[]> {
  const { tags } = await projects.update(param(call, 'project_id'), (before) => {
    const next = [...new Set(to(before.tags))].toSorted();
    if (next.length > limits.tagsMax) throw badRequest(`A project has at most ${limits.tagsMax} tags.`);
    return { ...before, tags: next };
  });
  return tags;
}

export const projectTagRoutes: readonly Route[] = [
  {
    method: 'GET',
    path,
    operation: 'identity:list_project_tags',
    target: projectTarget,
    async handle({ projects }, call) {
      return { body: { tags: (await projects.get(param(call, 'project_id'))).tags } };
    },
  },
  {
    method: 'PUT',
    path,
    operation: 'identity:update_project_tags',
    body: {
      type: 'object',
      required: ['tags'],
      properties: { tags: { type: 'array', maxItems: limits.tagsMax, items: tag } },
    },
    target: projectTarget,
    async handle(identity, call) {
      const { tags } = call.body as { tags: readonly string[] };
      return { body: { tags: await change(identity, call, () => tags) } };
    },
  },
  {
    method: 'DELETE',
    path,
    operation: 'identity:delete_project_tags',
    target: projectTarget,
    async handle(identity, call) {
      await change(identity, call, () => []);
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: `${path}/:tag`,
    operation: 'identity:get_project_tag',
    target: projectTarget,
    async handle({ projects }, call) {
      const { tags } = await projects.get(param(call, 'project_id'));
      if (!tags.includes(param(call, 'tag'))) throw notFound('project tag', param(call, 'tag'));
      return { status: 204 };
    },
  },
  {
    method: 'PUT',
    path: `${path}/:tag`,
    operation: 'identity:create_project_tag',
    target: projectTarget,
    async handle(identity, call) {
      const added = param(call, 'tag');
      if (added.length > limits.tagCharactersMax || /[,/]/.test(added)) throw badRequest('That is no tag.');
      await change(identity, call, (tags) => [...tags, added]);
      return { status: 201 };
    },
  },
  {
    method: 'DELETE',
    path: `${path}/:tag`,
    operation: 'identity:delete_project_tag',
    target: projectTarget,
    async handle(identity, call) {
      const gone = param(call, 'tag');
      await change(identity, call, (tags) => {
        if (!tags.includes(gone)) throw notFound('project tag', gone);
        return tags.filter((each) => each !== gone);
      });
      return { status: 204 };
    },
  },
];
