/** Removes objects whose time is over: docs/formats/expiry-record.md, "Order of steps". */
import type { Cluster, ListingEntry, ListingStart } from '#cluster/cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import type { Clock } from '#common/io/clock.ts';
import { type BucketDirectory } from '#proxy/buckets/bucket-directory.ts';
import { ENTRY_SETTLED_MS } from '#proxy/objects/expiry-entry.ts';
import {
  decodeExpiry,
  EXPIRY_SHARDS,
  EXPIRY_SPACE,
  type ExpiringObject,
  expiringObject,
  expiryKey,
} from '#proxy/objects/expiry-record.ts';
import { removeObject } from '#proxy/objects/object-store.ts';

const PAGE_ROWS = 100;
const REMOVED_AT_ONCE = 4;

export interface ExpireContext {
  readonly cluster: Cluster;
  /** Only where leases come from; nothing is cached longer than they last. */
  readonly directory: BucketDirectory;
  readonly clock: Clock;
}

/** What a pass has done; logged when it ends. */
export interface ExpiryFigures {
  /** Entries that were due. */
  due: number;
  expiredObjects: number;
  /** Entries of objects that are gone, or have another time. */
  staleEntries: number;
  failures: number;
}

export function nothingExpired(): ExpiryFigures {
  return { due: 0, expiredObjects: 0, staleEntries: 0, failures: 0 };
}

type Row = Extract<ListingEntry, { type: 'row' }>;

/** Goes on at `start`, and returns where the next page begins; undefined when nothing more is due. */
export async function expireObjects(
  context: ExpireContext,
  start: ListingStart | undefined,
  figures: ExpiryFigures,
): Promise<ListingStart | undefined> {
  const nowMs = context.clock.nowMs();
  const page = await context.cluster.listings.list({
    space: EXPIRY_SPACE,
    kind: recordKinds.expiry,
    shards: EXPIRY_SHARDS,
    prefix: '',
    delimiter: '',
    limit: PAGE_ROWS,
    ...(start === undefined ? {} : { start }),
  });
  const rows = page.entries.filter((entry) => entry.type === 'row');
  const due = rows.filter(({ name }) => expiringObject(name).deleteAtSeconds * 1000 <= nowMs);
  for (let at = 0; at < due.length; at += REMOVED_AT_ONCE) {
    const some = due.slice(at, at + REMOVED_AT_ONCE);
    await Promise.all(some.map((row) => expireRow(context, row, nowMs, figures)));
  }
  const last = due.at(-1);
  return page.more && last !== undefined && due.length === rows.length ? { after: last.name } : undefined;
}

async function expireRow(
  context: ExpireContext,
  row: Row,
  nowMs: number,
  figures: ExpiryFigures,
): Promise<void> {
  try {
    const entry = decodeExpiry(row.summary);
    // The write that it announces may still be under way.
    if (nowMs - entry.queuedMs < ENTRY_SETTLED_MS) return;
    figures.due += 1;
    const expiring = expiringObject(row.name);
    if (await expireObject(context, entry.bucket, expiring, nowMs)) figures.expiredObjects += 1;
    else figures.staleEntries += 1;
    // By its summary: a read that had to settle the record has given it another ballot.
    await context.cluster.records.mutate(expiryKey(expiring), (current) => ({
      action: current?.summary.equals(row.summary) === true ? 'remove' : 'keep',
      result: undefined,
    }));
  } catch {
    // The next pass comes by again.
    figures.failures += 1;
  }
}

/** Whether there was something to remove. */
async function expireObject(
  { cluster, directory }: ExpireContext,
  { account, name: bucketName }: { readonly account: ExpiringObject['bucketId']; readonly name: string },
  { bucketId, name }: ExpiringObject,
  nowMs: number,
): Promise<boolean> {
  const lease = await directory.leaseOwn(account, bucketName);
  if (lease === undefined || lease.bucket.bucketId !== bucketId) return false;
  const removed = await removeObject(cluster, lease, name, { ifExpiredMs: nowMs });
  return removed.outcome === 'done';
}
