/** A page of a bucket's objects, which ListObjects, ListObjectsV2 and ListObjectVersions all show. */
import type { ListingEntry, ListingStart } from '#cluster/cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { decodeObjectSummary, type ObjectSummary } from '#proxy/objects/object-summary.ts';
import type { S3Context } from './context.ts';
import type { NameEncoder } from './list-parameters.ts';
import { isoTime } from './time-format.ts';
import type { XmlWriter } from './xml/writer.ts';

export interface ListedObject extends ObjectSummary {
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

export async function listPage(
  context: S3Context,
  bucket: BucketRecord,
  query: ObjectPageQuery,
): Promise<ObjectPage> {
  if (query.limit === 0) return { objects: [], prefixes: [], more: false, next: undefined };
  const { prefix, delimiter, start, limit } = query;
  const page = await context.cluster.listings.list({
    space: bucket.bucketId,
    kind: recordKinds.object,
    shards: bucket.shards,
    prefix,
    delimiter,
    limit,
    ...(start === undefined ? {} : { start }),
  });
  const objects: ListedObject[] = [];
  const prefixes: string[] = [];
  for (const entry of page.entries) {
    if (entry.type === 'prefix') prefixes.push(entry.prefix);
    else objects.push({ ...decodeObjectSummary(entry.summary), key: entry.name });
  }
  return { objects, prefixes, more: page.more, next: behind(page.entries.at(-1)) };
}

function behind(entry: ListingEntry | undefined): ListingStart | undefined {
  if (entry === undefined) return undefined;
  return entry.type === 'row' ? { after: entry.name } : { afterPrefix: entry.prefix };
}

/**
 * A marker that lies within a common prefix stands for all of it, because the marker of the page before may have been
 * that prefix (ListObjects: "NextMarker").
 */
export function startAtMarker(marker: string, prefix: string, delimiter: string): ListingStart | undefined {
  if (marker === '') return undefined;
  if (delimiter !== '' && marker.startsWith(prefix)) {
    const at = marker.indexOf(delimiter, prefix.length);
    if (at >= 0) return { afterPrefix: marker.slice(0, at + delimiter.length) };
  }
  return { after: marker };
}

/** The elements that a `Contents` or a `Version` shares. */
export function writeObjectElements(xml: XmlWriter, object: ListedObject): void {
  xml.element('LastModified', isoTime(object.modifiedMs)).element('ETag', `"${object.etag}"`);
  if (object.checksum !== undefined) {
    xml.element('ChecksumAlgorithm', object.checksum.algorithm.toUpperCase());
    xml.element('ChecksumType', object.checksum.type);
  }
  xml.element('Size', object.sizeBytes).element('StorageClass', 'STANDARD');
}

export function writePrefixes(xml: XmlWriter, prefixes: readonly string[], encode: NameEncoder): void {
  for (const prefix of prefixes) xml.open('CommonPrefixes').element('Prefix', encode(prefix)).close();
}

export function writeOwner(xml: XmlWriter, element: string, id: string, name: string): void {
  xml.open(element).element('ID', id).element('DisplayName', name).close();
}
