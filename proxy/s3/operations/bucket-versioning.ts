/** GetBucketVersioning and PutBucketVersioning (Amazon S3 API Reference). */
import type { Versioning } from '#proxy/buckets/bucket-record.ts';
import { setVersioning } from '#proxy/buckets/set-versioning.ts';
import { bucketOf } from '../bucket-of.ts';
import { notImplemented, S3Error } from '../errors.ts';
import { hasLock } from '#proxy/buckets/bucket-lock.ts';
import type { Operation } from '../request.ts';
import { childText, readXml } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';

const BODY_BYTES_MAX = 64 * 1024;
const shown: Readonly<Record<Versioning, string>> = { enabled: 'Enabled', suspended: 'Suspended' };

export const getBucketVersioning: Operation = async (request, context) => {
  const { versioning } = await bucketOf(request, context);
  const xml = new XmlWriter('VersioningConfiguration');
  if (versioning !== undefined) xml.element('Status', shown[versioning]);
  request.reply.xml(200, xml.done());
};

export const putBucketVersioning: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  const root = readXml(await request.openBody(context).readAll(BODY_BYTES_MAX));
  if (root.name !== 'VersioningConfiguration') throw new S3Error('MalformedXML');
  if (childText(root, 'MfaDelete')?.trim() === 'Enabled' || request.header('x-amz-mfa') !== undefined)
    throw notImplemented('MfaDelete');
  const status = childText(root, 'Status')?.trim();
  const versioning = (Object.keys(shown) as Versioning[]).find((name) => shown[name] === status);
  if (versioning === undefined) throw new S3Error('MalformedXML');
  if (versioning === 'suspended' && hasLock(bucket)) {
    const message =
      'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.';
    throw new S3Error('InvalidBucketState', message);
  }
  await setVersioning(context.buckets, context.directory, bucket, request.bucket, versioning);
  request.reply.empty(200);
};
