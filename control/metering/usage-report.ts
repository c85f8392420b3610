/** What projects have used from one hour to another: as JSON and as CSV (RFC 4180). */
import { HoldfastError } from '#common/errors.ts';
import type { SpaceId } from '#common/ids.ts';
import type { Hour } from '../protocol/metering-record.ts';
import { type KeyRange, prefixed } from '../store/key-range.ts';
import { entriesOf } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import {
  addUsage,
  decodeUsage,
  type HourlyUsage,
  parseUsageKey,
  USAGE_PREFIX,
  usageKey,
} from './hourly-usage.ts';

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
export async function reportUsage(store: Store, query: UsageQuery): Promise<UsageRow[]> {
  const rows: UsageRow[] = [];
  for await (const { key, value } of entriesOf(store, rangeOf(query))) {
    const named = parseUsageKey(key);
    if (named === undefined || named.hour < query.from || named.hour >= query.to) continue;
    const { project, hour } = named;
    const usage = decodeUsage(value);
    const last = rows.at(-1);
    if (query.by === 'project' && last?.project === project)
      rows[rows.length - 1] = { ...last, usage: addUsage(last.usage, usage) };
    else rows.push({ project, from: hour, hour: query.by === 'hour' ? hour : undefined, usage });
    if (rows.length > REPORT_ROWS_MAX)
      throw new HoldfastError('invalid-argument', `more than ${REPORT_ROWS_MAX} rows: ask for less at once`);
  }
  return rows;
}

function rangeOf({ project, from, to }: UsageQuery): KeyRange {
  if (project === undefined) return prefixed(USAGE_PREFIX);
  return { from: usageKey(project, from), to: usageKey(project, to) };
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
