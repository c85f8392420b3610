/** What projects have used from one hour to another: as JSON and as CSV (RFC 4180). */
import type { Cluster, ListingPage, ListingStart } from '#cluster/cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import type { SpaceId } from '#common/ids.ts';
import { type Hour, parseHour } from '../protocol/metering-record.ts';
import { addUsage, decodeUsage, type HourlyUsage, USAGE_SHARDS } from './hourly-usage.ts';
import { meteringRows } from './metering-rows.ts';

const PAGE_ROWS = 1000;
/** A longer answer is to be asked for in parts. */
export const REPORT_ROWS_MAX = 100_000;

export interface UsageQuery {
  /** All projects when left out. */
  readonly project?: SpaceId | undefined;
  readonly from: Hour;
  /** Excluded. */
  readonly to: Hour;
  /** A row for each hour, or one for each project. */
  readonly by: 'hour' | 'project';
}

export interface UsageRow {
  readonly project: SpaceId;
  readonly from: Hour;
  /** Of an hour's row, the hour itself. */
  readonly hour: Hour | undefined;
  readonly usage: HourlyUsage;
}

/** By project, then by hour. Throws `invalid-argument` when there are too many rows. */
export async function reportUsage(
  cluster: Pick<Cluster, 'listings'>,
  query: UsageQuery,
): Promise<UsageRow[]> {
  const rows: UsageRow[] = [];
  for await (const project of projectsOf(cluster, query)) {
    for await (const { hour, usage } of hoursOf(cluster, project, query)) {
      const last = rows.at(-1);
      if (query.by === 'project' && last?.project === project)
        rows[rows.length - 1] = { ...last, usage: addUsage(last.usage, usage) };
      else rows.push({ project, from: hour, hour: query.by === 'hour' ? hour : undefined, usage });
      if (rows.length > REPORT_ROWS_MAX)
        throw new HoldfastError(
          'invalid-argument',
          `more than ${REPORT_ROWS_MAX} rows: ask for less at once`,
        );
    }
  }
  return rows;
}

async function* projectsOf(
  cluster: Pick<Cluster, 'listings'>,
  { project }: UsageQuery,
): AsyncGenerator<SpaceId> {
  if (project !== undefined) yield project;
  else for await (const { account } of meteringRows(cluster, recordKinds.meteredAccount, '')) yield account;
}

async function* hoursOf(
  { listings }: Pick<Cluster, 'listings'>,
  project: SpaceId,
  { from, to }: UsageQuery,
): AsyncGenerator<{ readonly hour: Hour; readonly usage: HourlyUsage }> {
  let start: ListingStart = { from };
  for (;;) {
    const page: ListingPage = await listings.list({
      space: project,
      kind: recordKinds.hourlyUsage,
      shards: USAGE_SHARDS,
      prefix: '',
      delimiter: '',
      limit: PAGE_ROWS,
      start,
    });
    for (const entry of page.entries) {
      const hour = entry.type === 'row' ? parseHour(entry.name)?.hour : undefined;
      if (entry.type !== 'row' || hour === undefined) continue;
      if (hour >= to) return;
      start = { after: entry.name };
      yield { hour, usage: decodeUsage(entry.summary) };
    }
    if (!page.more) return;
  }
}

export function usageJson({ project, hour, usage }: UsageRow): object {
  return {
    project_id: project,
    ...(hour === undefined ? {} : { hour: `${hour}:00:00Z` }),
    requests: usage.requests,
    bytes_in: usage.bytesIn,
    bytes_out: usage.bytesOut,
    bytes: usage.bytes,
    objects: usage.objects,
    containers: usage.containers,
    byte_hours: usage.byteHours,
    sample_age_hours: usage.sampleAgeHours,
  };
}

const COLUMNS =
  'project_id,hour,requests_read,requests_list,requests_write,requests_delete,bytes_in,bytes_out,bytes,objects,containers,byte_hours,sample_age_hours';

/** No value of it needs quotes. */
export function usageCsv(rows: readonly UsageRow[]): string {
  const lines = rows.map(({ project, hour, usage }) => {
    const { requests, bytesIn, bytesOut, bytes, objects, containers, byteHours, sampleAgeHours } = usage;
    return [
      project,
      hour === undefined ? '' : `${hour}:00:00Z`,
      ...[requests.read, requests.list, requests.write, requests.delete],
      ...[bytesIn, bytesOut, bytes, objects, containers, byteHours, sampleAgeHours ?? ''],
    ].join(',');
  });
  return `${[COLUMNS, ...lines].join('\r\n')}\r\n`;
}
