/** What a project has used in an hour, as the cluster keeps it: docs/formats/metering-record.md, "Hourly sums". */
import { HoldfastError } from '#common/errors.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import type { SpaceId } from '#common/ids.ts';
import { fieldsOf, type Hour, requestClasses, type TrafficTotals } from '../protocol/metering-record.ts';

/** In the control store: the hour up to which usage has been summed up. */
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

/** All of a project's hours are in one shard. */
export const USAGE_SHARDS = 1;

export function usageKey(project: SpaceId, hour: Hour): RecordKey {
  return recordKey(project, recordKinds.hourlyUsage, 0, hour);
}

export function holdsNothing({ bytes, objects, containers }: HourlyUsage): boolean {
  return bytes === 0 && objects === 0 && containers === 0;
}

export function isUnused(usage: HourlyUsage): boolean {
  const { requests, bytesIn, bytesOut, byteHours } = usage;
  const used = requestClasses.reduce((sum, each) => sum + requests[each], bytesIn + bytesOut + byteHours);
  return used === 0 && holdsNothing(usage);
}

/** Throws `format-invalid`. @param summary as `encodeRow` makes it. */
export function decodeUsage(summary: Buffer): HourlyUsage {
  const usage = fieldsOf(summary) as unknown as HourlyUsage;
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
