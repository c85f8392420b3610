/** ListObjectVersions (Amazon S3 API Reference). */
import { type ListedVersion, listVersions } from '#proxy/objects/list-versions.ts';
import { parseVersionSelector, shownVersion } from '#proxy/objects/version-id.ts';
import { bucketOf, ownerName } from '../bucket-of.ts';
import { invalidArgument } from '../errors.ts';
import { countParameter, nameEncoder, textParameter } from '../list-parameters.ts';
import { writeObjectElements, writeOwner, writePrefixes } from '../object-listing.ts';
import type { Operation } from '../request.ts';
import { isoTime } from '../time-format.ts';
import { XmlWriter } from '../xml/writer.ts';

export const listObjectVersions: Operation = async (request, context) => {
  const { query } = request;
  const encode = nameEncoder(query);
  const prefix = textParameter(query, 'prefix');
  const delimiter = textParameter(query, 'delimiter');
  const keyMarker = textParameter(query, 'key-marker');
  const versionMarker = query.get('version-id-marker') ?? '';
  const limit = countParameter(query, 'max-keys');
  if (versionMarker !== '' && keyMarker === '') {
    const message = 'A version-id marker cannot be specified without a key marker.';
    throw invalidArgument(message, 'version-id-marker', versionMarker);
  }
  const version = versionMarker === '' ? undefined : parseVersionSelector(versionMarker);
  if (versionMarker !== '' && version === undefined)
    throw invalidArgument('Invalid version id specified', 'version-id-marker', versionMarker);
  const bucket = await bucketOf(request, context);
  const after = { key: keyMarker, version };
  const page = await listVersions(context.cluster, bucket, { prefix, delimiter, after, limit });
  const owner = { id: bucket.owner, name: ownerName(context, bucket) };
  const xml = new XmlWriter('ListVersionsResult')
    .element('Name', request.bucket)
    .element('Prefix', encode(prefix));
  xml.element('KeyMarker', encode(keyMarker)).element('VersionIdMarker', versionMarker);
  if (page.more && page.last !== undefined) {
    xml.element('NextKeyMarker', encode(page.last.key));
    // The id that the null version has within, too: it has a place among the others even when it has been deleted.
    xml.optional('NextVersionIdMarker', page.last.version);
  }
  xml.element('MaxKeys', limit);
  if (delimiter !== '') xml.element('Delimiter', encode(delimiter));
  if (query.has('encoding-type')) xml.element('EncodingType', 'url');
  xml.element('IsTruncated', page.more);
  for (const listed of page.versions) writeVersion(xml, listed, encode(listed.key), owner);
  writePrefixes(xml, page.prefixes, encode);
  request.reply.xml(200, xml.doneAsBytes());
};

function writeVersion(
  xml: XmlWriter,
  listed: ListedVersion,
  shownKey: string,
  owner: { readonly id: string; readonly name: string },
): void {
  xml.open(listed.isDeleteMarker ? 'DeleteMarker' : 'Version').element('Key', shownKey);
  xml.element('VersionId', shownVersion(listed)).element('IsLatest', listed.isLatest);
  if (listed.isDeleteMarker) xml.element('LastModified', isoTime(listed.modifiedMs));
  else writeObjectElements(xml, listed);
  writeOwner(xml, 'Owner', owner.id, owner.name);
  xml.close();
}
