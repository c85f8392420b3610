/** What a project has used in an hour, as the control store keeps it: docs/formats/metering-record.md, "Hourly sums". */
import { HoldfastError } from '#common/errors.ts';
import { isSpaceId, type SpaceId, spaceId } from '#common/ids.ts';
import { type Hour, parseHour, requestClasses, type TrafficTotals } from '../protocol/metering-record.ts';

export const USAGE_PREFIX = 'metering/project/';
export const THROUGH_KEY = 'metering/through';

export interface HourlyUsage extends TrafficTotals {
  readonly bytes: number;
  readonly objects: number;
  readonly containers: number;
  readonly byteHours: number;
  /** How many hours before this one what it holds was counted; null when that is not known. */
  readonly sampleAgeHours: number | null;
}

export const noUsage: HourlyUsage = Object.freeze({
  requests: { read: 0, list: 0, write: 0, delete: 0 },
  bytesIn: 0,
  bytesOut: 0,
  bytes: 0,
  objects: 0,
  containers: 0,
  byteHours: 0,
  sampleAgeHours: null,
});

export function usageKey(project: SpaceId, hour: Hour): string {
  return `${USAGE_PREFIX}${project}/${hour}`;
}

export function parseUsageKey(key: string): { readonly project: SpaceId; readonly hour: Hour } | undefined {
  const [project = '', text = ''] = key.slice(USAGE_PREFIX.length).split('/');
  const hour = parseHour(text)?.hour;
  return isSpaceId(project) && hour !== undefined ? { project: spaceId(project), hour } : undefined;
}

export function encodeUsage(usage: HourlyUsage): Buffer {
  return Buffer.from(JSON.stringify(usage));
}

/** Throws `format-invalid`. */
export function decodeUsage(value: Buffer): HourlyUsage {
  const usage = parsed(value);
  const { sampleAgeHours } = usage;
  const figures = [
    usage.bytesIn,
    usage.bytesOut,
    usage.bytes,
    usage.objects,
    usage.containers,
    usage.byteHours,
  ];
  const requests = requestClasses.map((each) => Object(usage.requests)[each] as unknown);
  if (![...figures, ...requests, sampleAgeHours ?? 0].every((figure) => Number.isFinite(figure)))
    throw new HoldfastError('format-invalid', 'an hourly sum is not one');
  return usage;
}

function parsed(value: Buffer): HourlyUsage {
  try {
    return Object(JSON.parse(value.toString())) as HourlyUsage;
  } catch (error) {
    throw new HoldfastError('format-invalid', 'an hourly sum is not JSON', { cause: error });
  }
}

/** The sum of hours of one project. What it holds is that of the later one, where that is known. */
export function addUsage(earlier: HourlyUsage, later: HourlyUsage): HourlyUsage {
  const requests = { ...earlier.requests };
  for (const each of requestClasses) requests[each] += later.requests[each];
  return {
    ...(later.sampleAgeHours === null ? earlier : later),
    requests,
    bytesIn: earlier.bytesIn + later.bytesIn,
    bytesOut: earlier.bytesOut + later.bytesOut,
    byteHours: earlier.byteHours + later.byteHours,
  };
}
