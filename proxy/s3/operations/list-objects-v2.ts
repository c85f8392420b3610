/** ListObjectsV2 (Amazon S3 API Reference). */
import { listObjects } from '#proxy/objects/list-objects.ts';
import { bucketOf, ownerName } from '../bucket-of.ts';
import { decodeToken, encodeToken } from '../continuation-token.ts';
import { invalidArgument } from '../errors.ts';
import { countParameter, nameEncoder, textParameter } from '../list-parameters.ts';
import { writeContents, writePrefixes } from '../object-listing.ts';
import type { Operation } from '../request.ts';
import { XmlWriter } from '../xml/writer.ts';

export const listObjectsV2: Operation = async (request, context) => {
  const { query } = request;
  if (query.get('list-type') !== '2') {
    throw invalidArgument('Invalid list-type', 'list-type', query.get('list-type') ?? '');
  }
  const encode = nameEncoder(query);
  const prefix = textParameter(query, 'prefix');
  const delimiter = textParameter(query, 'delimiter');
  const startAfter = textParameter(query, 'start-after');
  const limit = countParameter(query, 'max-keys');
  const token = query.get('continuation-token');
  if (token === '')
    throw invalidArgument('The continuation token provided is incorrect', 'continuation-token', '');
  const bucket = await bucketOf(request, context);
  const after = startAfter === '' ? undefined : { after: startAfter };
  const start = token === undefined ? after : decodeToken(token);
  const page = await listObjects(context.cluster, bucket, { prefix, delimiter, start, limit });
  const owner =
    query.get('fetch-owner') === 'true' ? { id: bucket.owner, name: ownerName(context, bucket) } : undefined;
  const xml = new XmlWriter('ListBucketResult')
    .element('Name', request.bucket)
    .element('Prefix', encode(prefix));
  xml.optional('ContinuationToken', token);
  if (page.more && page.next !== undefined) xml.element('NextContinuationToken', encodeToken(page.next));
  if (startAfter !== '') xml.element('StartAfter', encode(startAfter));
  xml.element('KeyCount', page.objects.length + page.prefixes.length).element('MaxKeys', limit);
  if (delimiter !== '') xml.element('Delimiter', encode(delimiter));
  if (query.has('encoding-type')) xml.element('EncodingType', 'url');
  xml.element('IsTruncated', page.more);
  for (const object of page.objects) writeContents(xml, encode(object.key), object, owner);
  writePrefixes(xml, page.prefixes, encode);
  request.reply.xml(200, xml.doneAsBytes());
};
