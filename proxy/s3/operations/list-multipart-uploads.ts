/** ListMultipartUploads (Amazon S3 API Reference). */
import { listUploads } from '#proxy/objects/list-uploads.ts';
import { isUploadId } from '#proxy/objects/upload-record.ts';
import { accountName, bucketOf } from '../bucket-of.ts';
import { countParameter, nameEncoder, textParameter } from '../list-parameters.ts';
import { writeOwner, writePrefixes } from '../object-listing.ts';
import type { Operation } from '../request.ts';
import { isoTime } from '../time-format.ts';
import { XmlWriter } from '../xml/writer.ts';

export const listMultipartUploads: Operation = async (request, context) => {
  const { query } = request;
  const encode = nameEncoder(query);
  const prefix = textParameter(query, 'prefix');
  const delimiter = textParameter(query, 'delimiter');
  const keyMarker = textParameter(query, 'key-marker');
  const idMarker = keyMarker === '' ? '' : textParameter(query, 'upload-id-marker');
  const limit = countParameter(query, 'max-uploads');
  const bucket = await bucketOf(request, context);
  const after = { key: keyMarker, uploadId: isUploadId(idMarker) ? idMarker : '' };
  const page = await listUploads(context.cluster, bucket, { prefix, delimiter, after, limit });
  const xml = new XmlWriter('ListMultipartUploadsResult').element('Bucket', request.bucket);
  xml.element('KeyMarker', encode(keyMarker)).element('UploadIdMarker', idMarker);
  if (page.more && page.last !== undefined) {
    xml.element('NextKeyMarker', encode(page.last.key)).element('NextUploadIdMarker', page.last.uploadId);
  }
  if (query.has('prefix')) xml.element('Prefix', encode(prefix));
  if (delimiter !== '') xml.element('Delimiter', encode(delimiter));
  if (query.has('encoding-type')) xml.element('EncodingType', 'url');
  xml.element('MaxUploads', limit).element('IsTruncated', page.more);
  for (const upload of page.uploads) {
    xml.open('Upload').element('Key', encode(upload.key)).element('UploadId', upload.uploadId);
    const owner = upload.owner ?? bucket.owner;
    writeOwner(xml, 'Initiator', owner, accountName(context, bucket, owner));
    writeOwner(xml, 'Owner', owner, accountName(context, bucket, owner));
    xml.element('StorageClass', 'STANDARD').element('Initiated', isoTime(upload.initiatedMs)).close();
  }
  writePrefixes(xml, page.prefixes, encode);
  request.reply.xml(200, xml.done());
};
