/** A page of a bucket's versions: by key, the newest of each first (Amazon S3 API Reference, ListObjectVersions). */
import type { Cluster, ListingEntry } from '#cluster/cluster.ts';
import type { BucketPlace } from './bucket-access.ts';
import { behind, listEntries } from './list-objects.ts';
import { olderOf } from './object-record.ts';
import { objectKey } from './object-store.ts';
import { decodeObjectSummary, listedEtag } from './object-summary.ts';
import { decodeOlderVersions, type OlderVersion } from './older-versions.ts';
import type { ChecksumPlan } from './stored-checksum.ts';
import { NULL_VERSION, selects, type VersionId, type VersionSelector, versionTimeMs } from './version-id.ts';

const READS_AT_ONCE = 16;

export interface ListedVersion {
  readonly key: string;
  readonly id: VersionId;
  readonly isNull: boolean;
  readonly isLatest: boolean;
  readonly isDeleteMarker: boolean;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: ChecksumPlan | undefined;
}

export interface VersionsQuery {
  readonly prefix: string;
  readonly delimiter: string;
  /** Only what comes behind; without a version behind all of the key's, with an empty key from the beginning. */
  readonly after: { readonly key: string; readonly version: VersionSelector | undefined };
  /** 0 … 1,000. */
  readonly limit: number;
}

export interface VersionsPage {
  readonly versions: readonly ListedVersion[];
  readonly prefixes: readonly string[];
  readonly more: boolean;
  /** The last entry; a common prefix has no version. */
  readonly last: { readonly key: string; readonly version: VersionId | undefined } | undefined;
}

export async function listVersions(
  cluster: Cluster,
  bucket: BucketPlace,
  query: VersionsQuery,
): Promise<VersionsPage> {
  const versions: ListedVersion[] = [];
  const prefixes: string[] = [];
  let last: VersionsPage['last'];
  const { prefix, delimiter, after, limit } = query;
  let start = startOf(query);
  while (limit > 0) {
    const asked = limit + 1 - versions.length - prefixes.length;
    const page = await listEntries(cluster, bucket, { prefix, delimiter, start, limit: asked });
    const rows = await versionsOfRows(cluster, bucket, page.entries);
    for (const [index, entry] of page.entries.entries()) {
      if (entry.type === 'prefix') {
        if (versions.length + prefixes.length === limit) return { versions, prefixes, more: true, last };
        prefixes.push(entry.prefix);
        last = { key: entry.prefix, version: undefined };
        continue;
      }
      const all = rows[index] ?? [];
      for (const version of entry.name === after.key ? behindVersion(all, after.version) : all) {
        if (versions.length + prefixes.length === limit) return { versions, prefixes, more: true, last };
        versions.push(version);
        last = { key: version.key, version: version.id };
      }
    }
    const end = page.entries.at(-1);
    if (!page.more || end === undefined) break;
    start = behind(end);
  }
  return { versions, prefixes, more: false, last };
}

function startOf({ prefix, delimiter, after }: VersionsQuery) {
  const { key, version } = after;
  if (key === '') return undefined;
  // A marker within a common prefix stands for all of it: the page before may have ended with that prefix.
  const at = delimiter === '' || !key.startsWith(prefix) ? -1 : key.indexOf(delimiter, prefix.length);
  if (at >= 0) return { afterPrefix: key.slice(0, at + delimiter.length) };
  return version === undefined ? { after: key } : { from: key };
}

/** Of a key's versions those behind the marker, which may have been deleted since: ids sort by age. */
function behindVersion(
  all: readonly ListedVersion[],
  marker: VersionSelector | undefined,
): readonly ListedVersion[] {
  if (marker === undefined) return [];
  const at = all.findIndex((version) => selects(marker, version));
  if (at >= 0) return all.slice(at + 1);
  return marker === NULL_VERSION ? [] : all.filter((version) => version.id < marker);
}

/** For each entry that is a row, its versions, newest first. */
async function versionsOfRows(
  cluster: Cluster,
  bucket: BucketPlace,
  entries: readonly ListingEntry[],
): Promise<(readonly ListedVersion[])[]> {
  const found: (readonly ListedVersion[])[] = [];
  for (let at = 0; at < entries.length; at += READS_AT_ONCE) {
    const some = entries.slice(at, at + READS_AT_ONCE);
    found.push(...(await Promise.all(some.map((entry) => versionsOfRow(cluster, bucket, entry)))));
  }
  return found;
}

async function versionsOfRow(
  cluster: Cluster,
  bucket: BucketPlace,
  entry: ListingEntry,
): Promise<readonly ListedVersion[]> {
  if (entry.type === 'prefix') return [];
  const shown = decodeObjectSummary(entry.summary);
  if (shown.older !== undefined) return versionsOf(entry.name, shown, decodeOlderVersions(shown.older));
  // More than a row holds: all of them are taken from one reading of the record.
  const stored = await cluster.records.read(objectKey(bucket, entry.name));
  if (stored === undefined) return [];
  return versionsOf(entry.name, decodeObjectSummary(stored.summary), olderOf(stored));
}

function versionsOf(
  key: string,
  current: ReturnType<typeof decodeObjectSummary>,
  older: readonly OlderVersion[],
): ListedVersion[] {
  const { versionId, isNull, isDeleteMarker, modifiedMs, sizeBytes, etag, checksum } = current;
  return [
    {
      key,
      id: versionId,
      isNull,
      isLatest: true,
      isDeleteMarker,
      modifiedMs,
      sizeBytes,
      etag: listedEtag(etag).etag,
      checksum,
    },
    ...older.map((version) => ({
      key,
      id: version.id,
      isNull: version.isNull,
      isLatest: false,
      isDeleteMarker: version.isDeleteMarker,
      modifiedMs: versionTimeMs(version.id),
      sizeBytes: version.sizeBytes,
      etag: listedEtag(version.etag).etag,
      checksum: version.checksum,
    })),
  ];
}
