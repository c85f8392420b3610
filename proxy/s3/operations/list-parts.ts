/** ListParts (Amazon S3 API Reference). */
import { PART_NUMBER_MAX } from '#proxy/objects/part-record.ts';
import { listParts as listPartsOf, readUpload } from '#proxy/objects/upload-store.ts';
import { accountName, bucketOf } from '../bucket-of.ts';
import { writeChecksum } from '../checksums.ts';
import { countParameter, nameEncoder } from '../list-parameters.ts';
import { writeOwner } from '../object-listing.ts';
import type { Operation } from '../request.ts';
import { isoTime } from '../time-format.ts';
import { noSuchUpload, uploadIdOf } from '../upload-of.ts';
import { XmlWriter } from '../xml/writer.ts';

export const listParts: Operation = async (request, context) => {
  const { query } = request;
  const encode = nameEncoder(query);
  const uploadId = uploadIdOf(request);
  const limit = countParameter(query, 'max-parts');
  const marker = query.has('part-number-marker')
    ? countParameter(query, 'part-number-marker', PART_NUMBER_MAX)
    : 0;
  const bucket = await bucketOf(request, context);
  const upload = await readUpload(context.cluster, bucket, request.key, uploadId);
  if (upload === undefined) throw noSuchUpload(uploadId);
  const page =
    limit === 0
      ? { parts: [], more: false }
      : await listPartsOf(context.cluster, bucket, uploadId, marker, limit);
  const xml = new XmlWriter('ListPartsResult')
    .element('Bucket', request.bucket)
    .element('Key', encode(request.key));
  xml.element('UploadId', uploadId);
  if (upload.checksum !== undefined) {
    xml.element('ChecksumAlgorithm', upload.checksum.algorithm.toUpperCase());
    xml.element('ChecksumType', upload.checksum.type);
  }
  const owner = upload.acl?.owner ?? bucket.owner;
  writeOwner(xml, 'Initiator', owner, accountName(context, bucket, owner));
  writeOwner(xml, 'Owner', owner, accountName(context, bucket, owner));
  xml.element('StorageClass', 'STANDARD').element('PartNumberMarker', marker);
  xml.optional('NextPartNumberMarker', page.parts.at(-1)?.number);
  xml.element('MaxParts', limit).element('IsTruncated', page.more);
  for (const part of page.parts) {
    xml.open('Part').element('PartNumber', part.number).element('LastModified', isoTime(part.modifiedMs));
    xml.element('ETag', `"${part.md5Hex}"`);
    writeChecksum(xml, part.checksum);
    xml.element('Size', part.sizeBytes).close();
  }
  request.reply.xml(200, xml.done());
};
