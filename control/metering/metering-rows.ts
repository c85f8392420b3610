/** Reads what proxies have written of an hour. */
import type { Cluster, ListingStart } from '#cluster/cluster.ts';
import { type RecordKind, recordKinds } from '#common/codec/record-key.ts';
import { hasCode } from '#common/errors.ts';
import type { SpaceId } from '#common/ids.ts';
import {
  accountOfRow,
  decodeSample,
  decodeTraffic,
  type Hour,
  METERING_SHARDS,
  METERING_SPACE,
  requestClasses,
  type StorageSample,
  type TrafficTotals,
} from '../protocol/metering-record.ts';

const PAGE_ROWS = 1000;

export interface MeteringRow {
  readonly name: string;
  readonly account: SpaceId;
  readonly summary: Buffer;
}

type MeteringKind =
  | typeof recordKinds.traffic
  | typeof recordKinds.storageSample
  | typeof recordKinds.meteredAccount;

/** In order of their names. */
export async function* meteringRows(
  cluster: Pick<Cluster, 'listings'>,
  kind: MeteringKind & RecordKind,
  prefix: string,
): AsyncGenerator<MeteringRow> {
  let start: ListingStart | undefined;
  for (;;) {
    const page = await cluster.listings.list({
      space: METERING_SPACE,
      kind,
      shards: METERING_SHARDS,
      prefix,
      delimiter: '',
      limit: PAGE_ROWS,
      ...(start === undefined ? undefined : { start }),
    });
    for (const entry of page.entries) {
      if (entry.type !== 'row') continue;
      start = { after: entry.name };
      const account = accountOfRow(entry.name);
      if (account !== undefined) yield { name: entry.name, account, summary: entry.summary };
    }
    if (!page.more) return;
  }
}

/** The sums over all runs, by account. @param skipped told of what cannot be read. */
export async function trafficOf(
  cluster: Pick<Cluster, 'listings'>,
  hour: Hour,
  skipped: (row: MeteringRow) => void,
): Promise<Map<SpaceId, TrafficTotals>> {
  const totals = new Map<SpaceId, TrafficTotals>();
  for await (const row of meteringRows(cluster, recordKinds.traffic, `${hour}/`)) {
    if (!isReadable(row)) {
      skipped(row);
      continue;
    }
    const traffic = decodeTraffic(row.summary);
    const before = totals.get(row.account);
    totals.set(row.account, before === undefined ? traffic : sum(before, traffic));
  }
  return totals;
}

/** @param skipped told of what cannot be read. */
export async function samplesOf(
  cluster: Pick<Cluster, 'listings'>,
  hour: Hour,
  skipped: (row: MeteringRow) => void,
): Promise<Map<SpaceId, StorageSample>> {
  const samples = new Map<SpaceId, StorageSample>();
  for await (const row of meteringRows(cluster, recordKinds.storageSample, `${hour}/`)) {
    if (isReadable(row)) samples.set(row.account, decodeSample(row.summary));
    else skipped(row);
  }
  return samples;
}

/** Whether it is of a version that this one knows. */
export function isReadable({ name, summary }: MeteringRow): boolean {
  try {
    if (name.split('/').length === 3) decodeTraffic(summary);
    else decodeSample(summary);
    return true;
  } catch (error) {
    if (hasCode(error, 'format-invalid')) return false;
    throw error;
  }
}

function sum(a: TrafficTotals, b: TrafficTotals): TrafficTotals {
  const requests = { ...a.requests };
  for (const each of requestClasses) requests[each] += b.requests[each];
  return { requests, bytesIn: a.bytesIn + b.bytesIn, bytesOut: a.bytesOut + b.bytesOut };
}
