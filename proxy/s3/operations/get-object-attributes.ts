/** GetObjectAttributes (Amazon S3 API Reference). */
import { httpTime } from '#proxy/http/http-time.ts';
import type { PartExtent } from '#proxy/objects/body-layout.ts';
import { readLayout } from '#proxy/objects/object-body.ts';
import { PART_NUMBER_MAX } from '#proxy/objects/part-record.ts';
import type { StoredChecksum } from '#proxy/objects/stored-checksum.ts';
import { bucketOf } from '../bucket-of.ts';
import { elementNames, writeChecksum } from '../checksums.ts';
import { invalidArgument } from '../errors.ts';
import { presentObject } from '../object-of.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation, S3Request } from '../request.ts';
import { pushVersion } from '../version-headers.ts';
import { XmlWriter } from '../xml/writer.ts';

const attributes = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;
type Attribute = (typeof attributes)[number];
const PARTS_MAX = 1000;

export const getObjectAttributes: Operation = async (request, context) => {
  const wanted = wantedAttributes(request);
  const partsMax = Math.min(PARTS_MAX, countHeader(request, 'x-amz-max-parts', PARTS_MAX));
  const marker = countHeader(request, 'x-amz-part-number-marker', 0);
  const bucket = await bucketOf(request, context);
  const record = await presentObject(request, context, bucket);
  const { metadata, modifiedMs } = record;
  const xml = new XmlWriter('GetObjectAttributesResponse');
  if (wanted.has('ETag')) xml.element('ETag', metadata.etag);
  if (wanted.has('Checksum') && metadata.checksum !== undefined) {
    xml.open('Checksum');
    writeChecksum(xml, metadata.checksum);
    xml.close();
  }
  if (wanted.has('ObjectParts')) {
    const { parts } = await readLayout(context.cluster.bodies, record);
    if (parts.length > 0) writeParts(xml, parts, metadata.checksum, marker, partsMax);
  }
  if (wanted.has('StorageClass')) xml.element('StorageClass', 'STANDARD');
  if (wanted.has('ObjectSize')) xml.element('ObjectSize', metadata.sizeBytes);
  const headers: FlatHeaders = ['Last-Modified', httpTime(modifiedMs)];
  pushVersion(headers, bucket, record.version);
  request.reply.xml(200, xml.done(), headers);
};

function wantedAttributes(request: S3Request): ReadonlySet<Attribute> {
  const header = request.header('x-amz-object-attributes') ?? '';
  const wanted = new Set<Attribute>();
  for (const name of header.split(',')) {
    const found = attributes.find((attribute) => attribute === name.trim());
    if (found === undefined)
      throw invalidArgument('Invalid attribute name specified.', 'x-amz-object-attributes', header);
    wanted.add(found);
  }
  return wanted;
}

function countHeader(request: S3Request, name: string, absent: number): number {
  const text = request.header(name);
  if (text === undefined) return absent;
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text), PART_NUMBER_MAX);
  throw invalidArgument(`Argument ${name} must be an integer`, name, text);
}

/** The parts one by one are told of only where each has a checksum. */
function writeParts(
  xml: XmlWriter,
  parts: readonly PartExtent[],
  checksum: StoredChecksum | undefined,
  marker: number,
  partsMax: number,
): void {
  const behind = parts.filter(({ number }) => number > marker);
  const page = behind.slice(0, partsMax);
  xml.open('ObjectParts').element('PartsCount', parts.length).element('PartNumberMarker', marker);
  xml.element('NextPartNumberMarker', page.at(-1)?.number ?? 0);
  xml.element('MaxParts', partsMax).element('IsTruncated', behind.length > page.length);
  for (const part of page) {
    if (checksum === undefined || part.checksum === undefined) continue;
    xml.open('Part').element('PartNumber', part.number).element('Size', part.sizeBytes);
    xml.element(elementNames[checksum.algorithm], part.checksum).close();
  }
  xml.close();
}
