/** Carries a bucket's lifecycle rules out, a page of its rows at a time: docs/formats/lifecycle-record.md, "What is due". */
import type { Cluster, ListingEntry, ListingStart } from '#cluster/cluster.ts';
import type { Clock } from '#common/io/clock.ts';
import { abortUpload } from '#proxy/objects/abort-upload.ts';
import { bucketDocuments } from '#proxy/access/rules-of-bucket.ts';
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import { listEntries } from '#proxy/objects/list-objects.ts';
import { listUploads } from '#proxy/objects/list-uploads.ts';
import { decodeCurrent, olderOf } from '#proxy/objects/object-record.ts';
import { objectKey, removeObject } from '#proxy/objects/object-store.ts';
import { decodeObjectSummary, type ObjectSummary } from '#proxy/objects/object-summary.ts';
import { type ExactVersion, removeVersion } from '#proxy/objects/object-versions.ts';
import { decodeOlderVersions, type OlderVersion } from '#proxy/objects/older-versions.ts';
import { versionTimeMs } from '#proxy/objects/version-id.ts';
import { readVersionRecord } from '#proxy/objects/version-store.ts';
import { expirationOf, hasTags, loneMarkerIsDue, noncurrentIsDue, uploadIsDue } from './due.ts';
import type { LifecycleRule } from './lifecycle-rule.ts';

const PAGE_ROWS = 100;

/** What a walk has done; logged when it ends. */
export interface LifecycleFigures {
  buckets: number;
  rows: number;
  expiredObjects: number;
  removedVersions: number;
  removedMarkers: number;
  abortedUploads: number;
  /** Versions that are due, and under retention or legal hold. */
  lockedVersions: number;
  failures: number;
}

export interface RuledBucket {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly lease: BucketLease;
  readonly rules: readonly LifecycleRule[];
  /** What they were read from. */
  readonly document: string;
  readonly dayMs: number;
  readonly figures: LifecycleFigures;
}

/** The bucket has other rules by now, or none: what was due by these may not be any more. */
export class RulesChanged extends Error {}

export function rulesDocument({ bucket }: BucketLease): string | undefined {
  return bucket.configuration?.[bucketDocuments.lifecycle];
}

/** To be asked before anything is removed: a walk takes hours, and whoever takes a rule back has been told that it is gone. */
async function assertRules({ lease, document }: RuledBucket): Promise<void> {
  await lease.confirm();
  if (rulesDocument(lease) !== document) throw new RulesChanged();
}

/** Goes on at `start`, and returns where the next page begins; undefined at the end of the bucket. */
export async function applyToObjects(
  bucket: RuledBucket,
  start: ListingStart | undefined,
): Promise<ListingStart | undefined> {
  const query = { prefix: '', delimiter: '', start, limit: PAGE_ROWS };
  const page = await listEntries(bucket.cluster, bucket.lease.bucket, query);
  const nowMs = bucket.clock.nowMs();
  let last: ListingStart | undefined;
  for (const entry of page.entries) {
    if (entry.type !== 'row') continue;
    last = { after: entry.name };
    bucket.figures.rows += 1;
    try {
      await applyToKey(bucket, entry, nowMs);
    } catch (error) {
      if (error instanceof RulesChanged) throw error;
      // The next walk comes by again.
      bucket.figures.failures += 1;
    }
  }
  return page.more ? last : undefined;
}

async function applyToKey(
  bucket: RuledBucket,
  row: Extract<ListingEntry, { type: 'row' }>,
  nowMs: number,
): Promise<void> {
  const { cluster, lease, rules, dayMs, figures } = bucket;
  const summary = decodeObjectSummary(row.summary);
  let older: OlderVersion[] | undefined =
    summary.older === undefined ? undefined : decodeOlderVersions(summary.older);
  if (older === undefined) {
    // More than a row holds.
    const stored = await cluster.records.read(objectKey(lease.bucket, row.name));
    older = stored === undefined ? [] : olderOf(stored);
  }
  // The oldest first, so that the ranks of those that stay are what they were.
  for (let rank = older.length - 1; rank >= 0; rank--) {
    const sinceMs = rank === 0 ? summary.modifiedMs : versionTimeMs(older[rank - 1]?.id ?? summary.versionId);
    await applyToOlder(bucket, row.name, older[rank] as OlderVersion, { rank, sinceMs, nowMs });
  }
  if (!summary.isDeleteMarker) return applyToCurrent(bucket, row.name, summary, nowMs);
  if (older.length > 0 || !loneMarkerIsDue(rules, row.name, summary.modifiedMs, { nowMs, dayMs })) return;
  if (await removeExactly(bucket, row.name, { id: summary.versionId, place: 'alone' }))
    figures.removedMarkers += 1;
}

async function applyToCurrent(
  bucket: RuledBucket,
  key: string,
  { sizeBytes, modifiedMs }: ObjectSummary,
  nowMs: number,
): Promise<void> {
  const { cluster, lease, rules, dayMs, figures } = bucket;
  const isDue = (of: readonly LifecycleRule[], subject: Parameters<typeof expirationOf>[1], atMs: number) =>
    (expirationOf(of, subject, atMs, dayMs)?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs;
  // Tags are in the record, which is read only for what is due but for them.
  if (!isDue(withoutTags(rules), { key, sizeBytes, tags: [] }, modifiedMs)) return;
  const stored = await cluster.records.read(objectKey(lease.bucket, key));
  const object = stored === undefined ? undefined : decodeCurrent(stored);
  if (object === undefined) return;
  const { metadata, version } = object;
  const size = metadata.swift?.largeObject?.sizeBytes ?? metadata.sizeBytes;
  if (!isDue(rules, { key, sizeBytes: size, tags: metadata.tags ?? [] }, object.modifiedMs)) return;
  await assertRules(bucket);
  const removed = await removeObject(cluster, lease, key, { ifVersion: version });
  if (removed.outcome === 'done') figures.expiredObjects += 1;
}

async function applyToOlder(
  bucket: RuledBucket,
  key: string,
  version: OlderVersion,
  { rank, sinceMs, nowMs }: { readonly rank: number; readonly sinceMs: number; readonly nowMs: number },
): Promise<void> {
  const { cluster, lease, rules, dayMs, figures } = bucket;
  const { isDeleteMarker, sizeBytes, id } = version;
  const times = { nowMs, dayMs };
  const subject = isDeleteMarker ? key : { key, sizeBytes, tags: [] };
  if (!noncurrentIsDue(withoutTags(rules), subject, rank, sinceMs, times) && !isDeleteMarker) return;
  if (isDeleteMarker && !noncurrentIsDue(rules, key, rank, sinceMs, times)) return;
  if (!isDeleteMarker && hasTags(rules)) {
    const saved = await readVersionRecord(cluster, lease.bucket, key, id);
    const tags = (saved === undefined ? undefined : decodeCurrent(saved)?.metadata.tags) ?? [];
    if (!noncurrentIsDue(rules, { key, sizeBytes, tags }, rank, sinceMs, times)) return;
  }
  if (await removeExactly(bucket, key, { id, place: 'behind' })) {
    if (isDeleteMarker) figures.removedMarkers += 1;
    else figures.removedVersions += 1;
  }
}

async function removeExactly(bucket: RuledBucket, key: string, version: ExactVersion): Promise<boolean> {
  const { cluster, lease, figures } = bucket;
  await assertRules(bucket);
  const outcome = await removeVersion(cluster, lease, key, version);
  if (outcome === 'locked') figures.lockedVersions += 1;
  return outcome !== 'locked' && outcome.removed !== undefined;
}

function withoutTags(rules: readonly LifecycleRule[]): readonly LifecycleRule[] {
  return rules.map((rule) => ({ ...rule, filter: { ...rule.filter, tags: [] } }));
}

type UploadPlace = { readonly key: string; readonly uploadId: string };

/** The same of open uploads. */
export async function applyToUploads(
  bucket: RuledBucket,
  from: UploadPlace | undefined,
): Promise<UploadPlace | undefined> {
  const { cluster, lease, rules, dayMs, clock, figures } = bucket;
  if (!rules.some(({ abortDays }) => abortDays !== undefined)) return undefined;
  const page = await listUploads(cluster, lease.bucket, {
    prefix: '',
    delimiter: '',
    after: from ?? { key: '', uploadId: '' },
    limit: PAGE_ROWS,
  });
  const nowMs = clock.nowMs();
  for (const { key, uploadId, initiatedMs } of page.uploads) {
    if (!uploadIsDue(rules, key, initiatedMs, { nowMs, dayMs })) continue;
    try {
      await assertRules(bucket);
      const outcome = await abortUpload(cluster, lease.bucket, key, uploadId, nowMs);
      if (outcome === 'done') figures.abortedUploads += 1;
    } catch (error) {
      if (error instanceof RulesChanged) throw error;
      figures.failures += 1;
    }
  }
  return page.more ? page.last : undefined;
}
