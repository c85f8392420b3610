/** What ListObjects, ListObjectsV2 and ListObjectVersions have in common. */
import type { ListingStart } from '#cluster/cluster.ts';
import type { ObjectSummary } from '#proxy/objects/object-summary.ts';
import type { NameEncoder } from './list-parameters.ts';
import { isoTime } from './time-format.ts';
import type { XmlWriter } from './xml/writer.ts';

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
export function writeObjectElements(
  xml: XmlWriter,
  object: Pick<ObjectSummary, 'modifiedMs' | 'etag' | 'checksum' | 'sizeBytes'>,
): void {
  xml.element('LastModified', isoTime(object.modifiedMs)).quoted('ETag', object.etag);
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
