/** What ListObjects, ListObjectsV2 and ListObjectVersions have in common. */
import type { ListingStart } from '#cluster/cluster.ts';
import { type ChecksumAlgorithm, checksumAlgorithms } from '#proxy/body/request-body.ts';
import type { ObjectSummary } from '#proxy/objects/object-summary.ts';
import type { ChecksumPlan } from '#proxy/objects/stored-checksum.ts';
import type { NameEncoder } from './list-parameters.ts';
import { isoTime } from './time-format.ts';
import { escapeXml, type XmlWriter } from './xml/writer.ts';

/** As S3's XML has them. */
const ALGORITHM_NAMES = Object.fromEntries(
  checksumAlgorithms.map((algorithm) => [algorithm, algorithm.toUpperCase()]),
) as Readonly<Record<ChecksumAlgorithm, string>>;

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

type ShownObject = Pick<ObjectSummary, 'modifiedMs' | 'etag' | 'checksum' | 'sizeBytes'>;

/** The elements that a `Contents` or a `Version` shares. */
export function writeObjectElements(xml: XmlWriter, object: ShownObject): void {
  xml.raw(objectElements(object));
}

/** @param key as it is to be shown. A page has a thousand of them: each is one piece of text. */
export function writeContents(
  xml: XmlWriter,
  key: string,
  object: ShownObject,
  owner?: { readonly id: string; readonly name: string },
): void {
  const shown = `<Contents><Key>${escapeXml(key)}</Key>${objectElements(object)}`;
  if (owner === undefined) {
    xml.raw(`${shown}</Contents>`);
    return;
  }
  xml.raw(shown);
  writeOwner(xml, 'Owner', owner.id, owner.name);
  xml.raw('</Contents>');
}

function objectElements({ modifiedMs, etag, checksum, sizeBytes }: ShownObject): string {
  const checksums = checksum === undefined ? '' : checksumElements(checksum);
  return (
    `<LastModified>${isoTime(modifiedMs)}</LastModified><ETag>&quot;${escapeXml(etag)}&quot;</ETag>${checksums}` +
    `<Size>${sizeBytes}</Size><StorageClass>STANDARD</StorageClass>`
  );
}

function checksumElements({ algorithm, type }: ChecksumPlan): string {
  return `<ChecksumAlgorithm>${ALGORITHM_NAMES[algorithm]}</ChecksumAlgorithm><ChecksumType>${type}</ChecksumType>`;
}

export function writePrefixes(xml: XmlWriter, prefixes: readonly string[], encode: NameEncoder): void {
  for (const prefix of prefixes) xml.open('CommonPrefixes').element('Prefix', encode(prefix)).close();
}

export function writeOwner(xml: XmlWriter, element: string, id: string, name: string): void {
  xml.open(element).element('ID', id).element('DisplayName', name).close();
}
