/**
 * Quotas as Keystone's unified limits show them (Identity API v3, "Unified Limits"), flat: a registered limit is a default, a limit a project's own.
 * They are set through `/v1/quotas`. Both are ids made of what they stand for.
 */
import { createHash } from 'node:crypto';
import { type Call, param, type Route } from '../api/route.ts';
import { notFound } from '../identity/api-error.ts';
import type { Identity } from '../identity/identity.ts';
import { subjectOf } from './quota-book.ts';
import { quotaCatalogue, type QuotaName, quotaNames } from './quota-catalogue.ts';
import type { QuotaContext } from './quota-routes.ts';

export function unifiedLimitRoutes(context: () => QuotaContext): readonly Route[] {
  const registered = async (identity: Identity) => {
    const defaults = await context().book.defaults();
    return quotaNames.map((name) => ({
      id: idFor(name),
      service_id: serviceOf(identity, name),
      region_id: null,
      resource_name: name,
      default_limit: defaults[name],
      description: null,
    }));
  };
  return [
    {
      method: 'GET',
      path: '/registered_limits',
      operation: 'quota:get_defaults',
      async handle(identity, call) {
        const limits = (await registered(identity)).filter((limit) => isAsked(call, limit));
        return { body: { registered_limits: limits, links: { self: `${call.base}/registered_limits` } } };
      },
    },
    {
      method: 'GET',
      path: '/registered_limits/:limit_id',
      operation: 'quota:get_defaults',
      async handle(identity, call) {
        const id = param(call, 'limit_id');
        const found = (await registered(identity)).find((limit) => limit.id === id);
        if (found === undefined) throw notFound('registered limit', id);
        return { body: { registered_limit: found } };
      },
    },
    {
      method: 'GET',
      path: '/limits/model',
      operation: 'quota:get_defaults',
      handle: () => ({
        body: { model: { name: 'flat', description: 'Limits of projects do not depend on each other.' } },
      }),
    },
    {
      method: 'GET',
      path: '/limits',
      operation: 'quota:get_project',
      target: (_identity, call) => ({ projectId: projectOf(call) }),
      async handle(identity, call) {
        const limits = (await limitsOf(identity, context(), projectOf(call))).filter((limit) =>
          isAsked(call, limit),
        );
        return { body: { limits, links: { self: `${call.base}/limits` } } };
      },
    },
  ];
}

/** The project that is asked about; the bearer's own when none is named. */
function projectOf({ query, bearer }: Call): string | undefined {
  if (query['project_id'] !== undefined) return query['project_id'];
  return bearer?.scope.kind === 'project' ? bearer.scope.project.id : undefined;
}

interface ProjectLimit {
  readonly id: string;
  readonly service_id: string | null;
  readonly resource_name: string;
}

async function limitsOf(
  identity: Identity,
  { book }: QuotaContext,
  project: string | undefined,
): Promise<readonly ProjectLimit[]> {
  const subject = subjectOf(project ?? '');
  if (subject === undefined) return [];
  const own = await book.read(subject);
  return quotaNames.flatMap((name) => {
    const resourceLimit = own[name];
    if (resourceLimit === undefined) return [];
    return {
      id: idFor(`${subject} ${name}`),
      project_id: subject,
      domain_id: null,
      service_id: serviceOf(identity, name),
      region_id: null,
      resource_name: name,
      resource_limit: resourceLimit,
      description: null,
    };
  });
}

function isAsked({ query }: Call, limit: { resource_name: string; service_id: string | null }): boolean {
  const { resource_name: name, service_id: service } = query;
  return (
    (name === undefined || name === limit.resource_name) &&
    (service === undefined || service === limit.service_id)
  );
}

/** Null while the catalogue has no service of that type. */
function serviceOf({ catalogue }: Identity, name: QuotaName): string | null {
  const { service } = quotaCatalogue[name];
  // Cinder's type was `volumev3` for long.
  const found = [...catalogue.services.values()].find(({ type }) => type.replace(/v\d$/, '') === service);
  return found?.id ?? null;
}

function idFor(what: string): string {
  return createHash('sha256').update(`holdfast limit ${what}`).digest('hex').slice(0, 32);
}
