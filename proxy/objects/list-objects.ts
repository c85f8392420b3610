/** A page of a bucket's current objects: delete markers, and common prefixes that hold nothing else, are left out. */
import type { Cluster, ListingEntry, ListingStart } from '#cluster/cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import type { BucketPlace } from './bucket-access.ts';
import { decodeListedSummary, isDeleteMarker, type ListedSummary, ownEtag } from './object-summary.ts';

/** Rows asked for at once while looking for one that is no delete marker. */
const SEARCH_ROWS = 1000;
const SEARCHES_AT_ONCE = 16;

/** What a listing shows of an object. */
export interface ListedObject extends Omit<ListedSummary, 'isDeleteMarker'> {
  readonly key: string;
}

export interface ObjectPage {
  readonly objects: readonly ListedObject[];
  readonly prefixes: readonly string[];
  readonly more: boolean;
  /** Where the next page begins; undefined for an empty page. */
  readonly next: ListingStart | undefined;
}

export interface ObjectPageQuery {
  readonly prefix: string;
  readonly delimiter: string;
  readonly start: ListingStart | undefined;
  /** 0 … 1,000. */
  readonly limit: number;
}

export async function listObjects(
  cluster: Cluster,
  bucket: BucketPlace,
  query: ObjectPageQuery,
): Promise<ObjectPage> {
  const objects: ListedObject[] = [];
  const prefixes: string[] = [];
  let next: ListingStart | undefined;
  let start = query.start;
  // One more than is asked for tells whether more follow, also where delete markers follow.
  const wanted = query.limit + 1;
  while (query.limit > 0) {
    const left = wanted - objects.length - prefixes.length;
    const page = await listEntries(cluster, bucket, { ...query, start, limit: left });
    const living = await livingPrefixes(cluster, bucket, page.entries);
    for (const entry of page.entries) {
      const shown = shownObject(entry);
      if (entry.type === 'prefix' ? !living.has(entry.prefix) : shown === undefined) continue;
      if (objects.length + prefixes.length === query.limit) return { objects, prefixes, more: true, next };
      if (shown !== undefined) objects.push(shown);
      else if (entry.type === 'prefix') prefixes.push(entry.prefix);
      next = behind(entry);
    }
    const last = page.entries.at(-1);
    if (!page.more || last === undefined) break;
    start = behind(last);
  }
  return { objects, prefixes, more: false, next };
}

function shownObject(entry: ListingEntry): ListedObject | undefined {
  if (entry.type === 'prefix') return undefined;
  if (isDeleteMarker(entry.summary)) return undefined;
  const { modifiedMs, sizeBytes, etag, checksum } = decodeListedSummary(entry.summary);
  return { key: entry.name, modifiedMs, sizeBytes, etag: ownEtag(etag), checksum };
}

export function behind(entry: ListingEntry): ListingStart {
  return entry.type === 'row' ? { after: entry.name } : { afterPrefix: entry.prefix };
}

/** Those of the folded prefixes under which an object stands: all of them as long as the bucket never had versioning. */
async function livingPrefixes(
  cluster: Cluster,
  bucket: BucketPlace,
  entries: readonly ListingEntry[],
): Promise<ReadonlySet<string>> {
  const folded = entries.flatMap((entry) => (entry.type === 'prefix' ? [entry.prefix] : []));
  if (bucket.versioning === undefined) return new Set(folded);
  const living = new Set<string>();
  for (let at = 0; at < folded.length; at += SEARCHES_AT_ONCE) {
    const some = folded.slice(at, at + SEARCHES_AT_ONCE);
    await Promise.all(
      some.map(async (prefix) => {
        if (await holdsObject(cluster, bucket, prefix)) living.add(prefix);
      }),
    );
  }
  return living;
}

/** Whether an object stands under the prefix, and not only delete markers. */
export async function holdsObject(cluster: Cluster, bucket: BucketPlace, prefix: string): Promise<boolean> {
  let start: ListingStart | undefined;
  for (let limit = 1; ; limit = SEARCH_ROWS) {
    const page = await listEntries(cluster, bucket, { prefix, delimiter: '', start, limit });
    if (page.entries.some((entry) => shownObject(entry) !== undefined)) return true;
    const last = page.entries.at(-1);
    if (!page.more || last === undefined) return false;
    start = behind(last);
  }
}

/** Rows of objects, delete markers among them. */
export function listEntries(cluster: Cluster, bucket: BucketPlace, query: ObjectPageQuery) {
  const { prefix, delimiter, start, limit } = query;
  return cluster.listings.list({
    space: bucket.bucketId,
    kind: recordKinds.object,
    shards: bucket.shards,
    prefix,
    delimiter,
    limit,
    ...(start === undefined ? {} : { start }),
  });
}
