/** DeleteObjects (Amazon S3 API Reference): up to 1,000 keys, each its own step. */
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import { parseEntityTags } from '#proxy/http/conditions.ts';
import { permit } from '../access/permit.ts';
import { findLease } from '../bucket-of.ts';
import { type Deleted, deleteOne } from '../delete-one.ts';
import type { S3Context } from '../context.ts';
import { toS3Error } from '../error-mapping.ts';
import { S3Error } from '../errors.ts';
import { leaveOf } from '../object-lock/bypass.ts';
import { selectorOf } from '../object-of.ts';
import { checkKey } from '../request-target.ts';
import type { Operation, S3Request } from '../request.ts';
import { childText, readXml, type XmlElement } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';

const KEYS_MAX = 1000;
const BODY_BYTES_MAX = 2 * 1024 * 1024;
const CONCURRENT = 32;

interface Wanted {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly etag: string | undefined;
}

interface Removed {
  readonly wanted: Wanted;
  readonly error: S3Error | undefined;
  readonly deleted?: Deleted;
}

export const deleteObjects: Operation = async (request, context) => {
  requireDigest(request);
  const lease = await findLease(request, context);
  const root = readXml(await request.openBody(context).readAll(BODY_BYTES_MAX));
  if (root.name !== 'Delete') throw new S3Error('MalformedXML');
  const wanted = root.children.filter((child) => child.name === 'Object').map(readWanted);
  if (wanted.length === 0 || wanted.length > KEYS_MAX) throw new S3Error('MalformedXML');
  const removed: Removed[] = [];
  for (let at = 0; at < wanted.length; at += CONCURRENT) {
    const some = wanted.slice(at, at + CONCURRENT);
    removed.push(...(await Promise.all(some.map((each) => remove(request, context, lease, each)))));
  }
  const quiet = childText(root, 'Quiet')?.trim() === 'true';
  request.reply.xml(200, resultXml(removed, quiet));
};

/** S3 wants the list itself to be vouched for. */
function requireDigest(request: S3Request): void {
  if (request.header('content-md5') !== undefined || request.header('x-amz-trailer') !== undefined) return;
  for (const name in request.headers) if (name.startsWith('x-amz-checksum-')) return;
  throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5');
}

function readWanted(element: XmlElement): Wanted {
  const key = childText(element, 'Key');
  if (key === undefined || key === '') throw new S3Error('MalformedXML');
  for (const child of element.children) {
    if (child.name === 'LastModifiedTime' || child.name === 'Size') throw new S3Error('NotImplemented');
  }
  return { key, versionId: childText(element, 'VersionId'), etag: childText(element, 'ETag') };
}

async function remove(
  request: S3Request,
  context: S3Context,
  lease: BucketLease,
  wanted: Wanted,
): Promise<Removed> {
  try {
    checkKey(wanted.key);
    await permit(request, context, lease.bucket, {
      action: wanted.versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion',
      bucketName: request.bucket,
      key: wanted.key,
      object: async () => undefined,
      version: { id: wanted.versionId },
    });
    const condition = wanted.etag === undefined ? undefined : { ifMatch: parseEntityTags(wanted.etag) };
    const selector = selectorOf(wanted.versionId);
    const leave = await leaveOf(request, context, lease.bucket, wanted);
    const deleted = await deleteOne(context.cluster, lease, wanted.key, selector, condition, leave);
    if (deleted === 'fails') return { wanted, error: new S3Error('PreconditionFailed') };
    return { wanted, error: undefined, deleted };
  } catch (error) {
    const answer = toS3Error(error);
    if (answer.status === 500) context.log.error('an object could not be removed', { error });
    return { wanted, error: answer };
  }
}

function resultXml(removed: readonly Removed[], quiet: boolean): string {
  const xml = new XmlWriter('DeleteResult');
  for (const { wanted, error, deleted } of removed) {
    if (error === undefined && quiet) continue;
    xml.open(error === undefined ? 'Deleted' : 'Error').element('Key', wanted.key);
    xml.optional('VersionId', wanted.versionId);
    if (deleted?.isDeleteMarker === true) {
      xml.element('DeleteMarker', true).optional('DeleteMarkerVersionId', deleted.versionId);
    }
    if (error !== undefined) xml.element('Code', error.code).element('Message', error.message);
    xml.close();
  }
  return xml.done();
}
