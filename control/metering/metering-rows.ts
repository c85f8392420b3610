/** Reads what proxies have written of an hour. */
import type { Cluster, ListingStart } from '#cluster/cluster.ts';
import { type RecordKind, recordKinds } from '#common/codec/record-key.ts';
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

/** The sums over all runs, by account. */
export async function trafficOf(
  cluster: Pick<Cluster, 'listings'>,
  hour: Hour,
): Promise<Map<SpaceId, TrafficTotals>> {
  const totals = new Map<SpaceId, TrafficTotals>();
  for await (const { account, summary } of meteringRows(cluster, recordKinds.traffic, `${hour}/`)) {
    const traffic = decodeTraffic(summary);
    const before = totals.get(account);
    totals.set(account, before === undefined ? traffic : sum(before, traffic));
  }
  return totals;
}

export async function samplesOf(
  cluster: Pick<Cluster, 'listings'>,
  hour: Hour,
): Promise<Map<SpaceId, StorageSample>> {
  const samples = new Map<SpaceId, StorageSample>();
  for await (const { account, summary } of meteringRows(cluster, recordKinds.storageSample, `${hour}/`))
    samples.set(account, decodeSample(summary));
  return samples;
}

function sum(a: TrafficTotals, b: TrafficTotals): TrafficTotals {
  const requests = { ...a.requests };
  for (const each of requestClasses) requests[each] += b.requests[each];
  return { requests, bytesIn: a.bytesIn + b.bytesIn, bytesOut: a.bytesOut + b.bytesOut };
}
