/** `GET /v1/usage`: what projects have used. */
import type { Cluster } from '#cluster/cluster.ts';
import { isSpaceId, type SpaceId, spaceId } from '#common/ids.ts';
import { bearerOf, type Call, type Route } from '../api/route.ts';
import { badRequest } from '../identity/api-error.ts';
import { mayDo } from '../policy/policy.ts';
import { type Hour, hourOf, laterHour, parseHour } from '../protocol/metering-record.ts';
import { reportUsage, usageCsv, usageJson, type UsageQuery } from './usage-report.ts';

export function usageRoutes(clusterOf: () => Pick<Cluster, 'listings'>): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/usage',
      operation: 'usage:get_project',
      target: (_identity, call) => ({ projectId: projectOf(call) ?? ownProject(call) }),
      async handle({ clock }, call) {
        const query = queryOf(call, clock.nowMs());
        const rows = await reportUsage(clusterOf(), query);
        if (call.query['format'] === 'csv')
          return { text: { type: 'text/csv; charset=utf-8', content: usageCsv(rows) } };
        const { from, to } = query;
        return {
          body: { from: `${from}:00:00Z`, to: `${to}:00:00Z`, usage: rows.map(usageJson) },
        };
      },
    },
  ];
}

function queryOf(call: Call, nowMs: number): UsageQuery {
  const present = hourOf(nowMs);
  const from = hourFrom(call, 'from') ?? (`${present.slice(0, 7)}-01T00` as Hour);
  const to = hourFrom(call, 'to') ?? laterHour(present, 1);
  if (from >= to) throw badRequest('from must be before to.');
  const { by = 'project', format = 'json' } = call.query;
  if (by !== 'hour' && by !== 'project') throw badRequest('by is hour or project.');
  if (format !== 'json' && format !== 'csv') throw badRequest('format is json or csv.');
  // Whoever may see every project's use and names none is shown all.
  const seesAll = mayDo('usage:list_projects', bearerOf(call));
  const project = projectOf(call) ?? (seesAll ? undefined : ownProject(call));
  return { project, from, to, by };
}

function projectOf({ query }: Call): SpaceId | undefined {
  const { project } = query;
  if (project === undefined) return undefined;
  if (!isSpaceId(project)) throw badRequest('project is the id of a project, 32 hexadecimal digits.');
  return spaceId(project);
}

function ownProject({ bearer }: Call): SpaceId | undefined {
  const scope = bearer?.scope;
  return scope?.kind === 'project' && isSpaceId(scope.project.id) ? spaceId(scope.project.id) : undefined;
}

/** A day, an hour, or a moment within one, in UTC. */
function hourFrom({ query }: Call, name: 'from' | 'to'): Hour | undefined {
  const text = query[name];
  if (text === undefined) return undefined;
  const whole = /^\d{4}-\d{2}-\d{2}$/.test(text)
    ? `${text}T00`
    : text.replace(/:\d{2}(?::\d{2}(?:\.\d+)?)?Z?$/, '');
  const hour = parseHour(whole)?.hour;
  if (hour === undefined) throw badRequest(`${name} is a time such as 2026-01-31 or 2026-01-31T09:00:00Z.`);
  return hour;
}
