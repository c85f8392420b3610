/** GetBucketAcl and GetObjectAcl (Amazon S3 API Reference): the owner has full control, and nobody else any. */
import { readObject } from '#proxy/objects/object-store.ts';
import { bucketOf, ownerName } from '../bucket-of.ts';
import { S3Error } from '../errors.ts';
import { writeOwner } from '../object-listing.ts';
import type { Operation } from '../request.ts';
import { XmlWriter } from '../xml/writer.ts';

const GRANTEE = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"';

export const getAcl: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  if (request.hasKey && (await readObject(context.cluster, bucket, request.key)) === undefined) {
    throw new S3Error('NoSuchKey', undefined, { fields: { Key: request.key } });
  }
  const name = ownerName(context, bucket);
  const xml = new XmlWriter('AccessControlPolicy');
  writeOwner(xml, 'Owner', bucket.owner, name);
  xml.open('AccessControlList').open('Grant').open('Grantee', GRANTEE);
  xml.element('ID', bucket.owner).element('DisplayName', name).close();
  xml.element('Permission', 'FULL_CONTROL');
  request.reply.xml(200, xml.done());
};
