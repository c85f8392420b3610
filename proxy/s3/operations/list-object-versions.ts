/** ListObjectVersions (Amazon S3 API Reference) of buckets without versioning: every object is its own `null` version. */
import { bucketOf, ownerName } from '../bucket-of.ts';
import { invalidArgument } from '../errors.ts';
import { countParameter, nameEncoder, textParameter } from '../list-parameters.ts';
import {
  listPage,
  startAtMarker,
  writeObjectElements,
  writeOwner,
  writePrefixes,
} from '../object-listing.ts';
import type { Operation } from '../request.ts';
import { XmlWriter } from '../xml/writer.ts';

export const listObjectVersions: Operation = async (request, context) => {
  const { query } = request;
  const encode = nameEncoder(query);
  const prefix = textParameter(query, 'prefix');
  const delimiter = textParameter(query, 'delimiter');
  const keyMarker = textParameter(query, 'key-marker');
  const versionMarker = query.get('version-id-marker');
  const limit = countParameter(query, 'max-keys');
  if (versionMarker !== undefined && versionMarker !== '' && keyMarker === '') {
    const message = 'A version-id marker cannot be specified without a key marker.';
    throw invalidArgument(message, 'version-id-marker', versionMarker);
  }
  const bucket = await bucketOf(request, context);
  const start = startAtMarker(keyMarker, prefix, delimiter);
  const page = await listPage(context, bucket, { prefix, delimiter, start, limit });
  const owner = ownerName(context, bucket);
  const xml = new XmlWriter('ListVersionsResult')
    .element('Name', request.bucket)
    .element('Prefix', encode(prefix));
  xml.element('KeyMarker', encode(keyMarker)).element('VersionIdMarker', versionMarker ?? '');
  if (page.more && page.next !== undefined) {
    if ('afterPrefix' in page.next) xml.element('NextKeyMarker', encode(page.next.afterPrefix));
    else if ('after' in page.next) {
      xml.element('NextKeyMarker', encode(page.next.after)).element('NextVersionIdMarker', 'null');
    }
  }
  xml.element('MaxKeys', limit);
  if (delimiter !== '') xml.element('Delimiter', encode(delimiter));
  if (query.has('encoding-type')) xml.element('EncodingType', 'url');
  xml.element('IsTruncated', page.more);
  for (const object of page.objects) {
    xml
      .open('Version')
      .element('Key', encode(object.key))
      .element('VersionId', 'null')
      .element('IsLatest', true);
    writeObjectElements(xml, object);
    writeOwner(xml, 'Owner', bucket.owner, owner);
    xml.close();
  }
  writePrefixes(xml, page.prefixes, encode);
  request.reply.xml(200, xml.done());
};
