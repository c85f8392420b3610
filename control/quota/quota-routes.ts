/** `/v1/quotas`: what projects may have, and have. */
import type { SpaceId } from '#common/ids.ts';
import { type Call, param, type Route } from '../api/route.ts';
import { notFound } from '../identity/api-error.ts';
import { type LimitChanges, type QuotaBook, type Subject, subjectOf } from './quota-book.ts';
import { isStored, quotaCatalogue, quotaNames } from './quota-catalogue.ts';
import type { QuotaLedger } from './quota-ledger.ts';

export interface QuotaContext {
  readonly book: QuotaBook;
  readonly ledger: QuotaLedger;
}

const limit = {
  anyOf: [{ type: 'integer', minimum: -1, maximum: Number.MAX_SAFE_INTEGER }, { type: 'null' }],
};

const changeSchema = {
  type: 'object',
  required: ['quotas'],
  additionalProperties: false,
  properties: {
    quotas: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(quotaNames.map((name) => [name, limit])),
    },
  },
};

/** @param context asked for only when a request is handled: a page of all routes needs none. */
export function quotaRoutes(context: () => QuotaContext): readonly Route[] {
  const target = (_identity: unknown, call: Call) => ({ projectId: call.params['project_id'] });
  const defaults = async () => ({ body: { quotas: await context().book.defaults() } });
  return [
    { method: 'GET', path: '/quotas/defaults', operation: 'quota:get_defaults', handle: defaults },
    {
      method: 'PUT',
      path: '/quotas/defaults',
      operation: 'quota:update_defaults',
      body: changeSchema,
      async handle(_identity, call) {
        await context().book.change('default', changesIn(call));
        return defaults();
      },
    },
    {
      method: 'GET',
      path: '/quotas/:project_id',
      operation: 'quota:get_project',
      target,
      handle: async (_identity, call) => shown(context(), projectIn(call)),
    },
    {
      method: 'PUT',
      path: '/quotas/:project_id',
      operation: 'quota:update_project',
      target,
      body: changeSchema,
      async handle(_identity, call) {
        const project = projectIn(call);
        await context().book.change(project, changesIn(call));
        return shown(context(), project);
      },
    },
    {
      method: 'DELETE',
      path: '/quotas/:project_id',
      operation: 'quota:update_project',
      target,
      async handle(_identity, call) {
        const nothing = Object.fromEntries(quotaNames.map((name) => [name, null]));
        await context().book.change(projectIn(call), nothing);
        return { status: 204 };
      },
    },
  ];
}

function changesIn({ body }: Call): LimitChanges {
  return (body as { quotas: LimitChanges }).quotas;
}

/** 404 for what can be no project. */
function projectIn(call: Call): SpaceId {
  const text = param(call, 'project_id');
  const project = subjectOf(text);
  if (project === undefined) throw notFound('project', text);
  return project;
}

async function shown(
  { book, ledger }: QuotaContext,
  project: Exclude<Subject, 'default'>,
): Promise<{ body: object }> {
  const [own, defaults, standing, stored] = await Promise.all([
    book.read(project),
    book.defaults(),
    ledger.standing(project),
    book.stored(project),
  ]);
  const quotas = quotaNames.map((name) => {
    const used = isStored(name) ? stored[name] : standing[name].used;
    const { service } = quotaCatalogue[name];
    const limit = own[name] ?? defaults[name];
    return [name, { limit, is_default: own[name] === undefined, service, used }];
  });
  return { body: { project_id: project, quotas: Object.fromEntries(quotas) as object } };
}
