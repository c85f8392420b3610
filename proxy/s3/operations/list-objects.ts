/** ListObjects, version 1 (Amazon S3 API Reference). */
import { listObjects as listCurrent } from '#proxy/objects/list-objects.ts';
import { bucketOf, ownerName } from '../bucket-of.ts';
import { countParameter, nameEncoder, textParameter } from '../list-parameters.ts';
import { startAtMarker, writeContents, writePrefixes } from '../object-listing.ts';
import type { Operation } from '../request.ts';
import { XmlWriter } from '../xml/writer.ts';

export const listObjects: Operation = async (request, context) => {
  const { query } = request;
  const encode = nameEncoder(query);
  const prefix = textParameter(query, 'prefix');
  const delimiter = textParameter(query, 'delimiter');
  const marker = textParameter(query, 'marker');
  const limit = countParameter(query, 'max-keys');
  const bucket = await bucketOf(request, context);
  const start = startAtMarker(marker, prefix, delimiter);
  const page = await listCurrent(context.cluster, bucket, { prefix, delimiter, start, limit });
  const owner = { id: bucket.owner, name: ownerName(context, bucket) };
  const xml = new XmlWriter('ListBucketResult').element('Name', request.bucket);
  xml.element('Prefix', encode(prefix)).element('Marker', encode(marker));
  if (page.more && delimiter !== '') {
    // A page without a delimiter goes on behind its last key, as S3 leaves it to the client.
    const next =
      page.next !== undefined && 'afterPrefix' in page.next
        ? page.next.afterPrefix
        : page.objects.at(-1)?.key;
    if (next !== undefined) xml.element('NextMarker', encode(next));
  }
  xml.element('MaxKeys', limit);
  if (delimiter !== '') xml.element('Delimiter', encode(delimiter));
  if (query.has('encoding-type')) xml.element('EncodingType', 'url');
  xml.element('IsTruncated', page.more);
  for (const object of page.objects) writeContents(xml, encode(object.key), object, owner);
  writePrefixes(xml, page.prefixes, encode);
  request.reply.xml(200, xml.doneAsBytes());
};
