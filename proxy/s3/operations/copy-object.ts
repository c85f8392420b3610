/** CopyObject (Amazon S3 API Reference). The bytes are copied; onto itself, only the metadata is replaced. */
import type { Stripe } from '#cluster/cluster.ts';
import type { DigestAlgorithm } from '#proxy/body/digester.ts';
import type { ChecksumAlgorithm } from '#proxy/body/request-body.ts';
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { copyBytes } from '#proxy/objects/copy-bytes.ts';
import { storeLayout } from '#proxy/objects/object-body.ts';
import { EncodedObject, type ObjectBody, type ObjectMetadata } from '#proxy/objects/object-record.ts';
import { objectKey, rewriteObject, type WriteOutcome, writeObject } from '#proxy/objects/object-store.ts';
import type { StoredChecksum } from '#proxy/objects/stored-checksum.ts';
import { newObjectAccess, permitNewAccess } from '../access/new-list.ts';
import { leaseOf } from '../bucket-of.ts';
import { parseAlgorithm, writeChecksum } from '../checksums.ts';
import { conditionError, writeCondition } from '../conditions.ts';
import type { S3Context } from '../context.ts';
import {
  checkSourceConditions,
  type OpenedSource,
  openCopySource,
  pushSourceVersion,
} from '../copy-source.ts';
import { invalidArgument, S3Error } from '../errors.ts';
import { readStoredHeaders, refuseUnsupported, type StoredHeaders } from '../object-headers.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation, S3Request } from '../request.ts';
import { isoTime } from '../time-format.ts';
import { pushWritten } from '../version-headers.ts';
import { XmlWriter } from '../xml/writer.ts';

const COPY_BYTES_MAX = 5 * 1024 ** 3;

export const copyObject: Operation = async (request, context) => {
  refuseUnsupported(request.headers);
  const replaced = replacedHeaders(request);
  const lease = await leaseOf(request, context);
  await permitNewAccess(request, context, lease.bucket, { key: request.key });
  const source = await openCopySource(request, context);
  const { sizeBytes } = source.record.metadata;
  if (sizeBytes > COPY_BYTES_MAX) {
    const message = 'The specified copy source is larger than the maximum allowable size for a copy source';
    throw new S3Error('InvalidRequest', `${message}: ${COPY_BYTES_MAX}`);
  }
  const ontoItself = source.place.bucketId === lease.bucket.bucketId && source.key === request.key;
  if (ontoItself && source.version === undefined) requireChange(request, replaced);
  const copied =
    ontoItself && lease.bucket.versioning === undefined
      ? await replaceMetadata(request, context, lease, replaced)
      : await copyWhole(request, context, lease, source, replaced);
  if (copied.written.outcome !== 'done') {
    throw conditionError(
      copied.written.outcome,
      writeCondition((name) => request.header(name)),
    );
  }
  const xml = new XmlWriter('CopyObjectResult').element('LastModified', isoTime(copied.written.modifiedMs));
  xml.element('ETag', `"${copied.etag}"`);
  writeChecksum(xml, copied.checksum);
  const headers: FlatHeaders = [];
  pushSourceVersion(headers, source);
  pushWritten(headers, copied.written);
  request.reply.xml(200, xml.done(), headers);
};

interface Copied {
  readonly written: WriteOutcome;
  readonly etag: string;
  readonly checksum: StoredChecksum | undefined;
}

/** Whether the copy has the tags of the request, and not its source's. */
function replacesTags(request: S3Request): boolean {
  const directive = request.header('x-amz-tagging-directive') ?? 'COPY';
  if (directive === 'COPY' || directive === 'REPLACE') return directive === 'REPLACE';
  throw invalidArgument('Unknown tagging directive.', 'x-amz-tagging-directive', directive);
}

/** A copy is a new object: it never has its source's list, and its tags only when they are not replaced. */
function accessOfCopy(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
  source: Pick<ObjectMetadata, 'tags'>,
): Pick<ObjectMetadata, 'acl' | 'tags' | 'lock'> {
  const { acl, tags, lock } = newObjectAccess(request, context, bucket);
  const kept = replacesTags(request) ? tags : source.tags;
  return {
    ...(acl === undefined ? undefined : { acl }),
    ...(kept === undefined ? undefined : { tags: kept }),
    ...(lock === undefined ? undefined : { lock }),
  };
}

/** The headers that the copy gets, or undefined when it keeps its source's. */
function replacedHeaders(request: S3Request): StoredHeaders | undefined {
  const directive = request.header('x-amz-metadata-directive') ?? 'COPY';
  if (directive === 'REPLACE') return readStoredHeaders(request.headers);
  if (directive === 'COPY') return undefined;
  throw invalidArgument('Unknown metadata directive.', 'x-amz-metadata-directive', directive);
}

/** A copy onto itself must change something; a version that is not current may be copied back as it is. */
function requireChange(request: S3Request, replaced: StoredHeaders | undefined): void {
  if (replaced !== undefined || request.header('x-amz-storage-class') !== undefined || replacesTags(request))
    return;
  throw new S3Error(
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}

async function replaceMetadata(
  request: S3Request,
  context: S3Context,
  lease: BucketLease,
  replaced: StoredHeaders | undefined,
): Promise<Copied> {
  const condition = writeCondition((name) => request.header(name));
  const rewritten = await rewriteObject(context.cluster, lease, request.key, condition, (record) => {
    checkSourceConditions(request, record);
    const { acl: _acl, tags: _tags, ...kept } = record.metadata;
    return { ...kept, ...replaced, ...accessOfCopy(request, context, lease.bucket, record.metadata) };
  });
  if (rewritten === undefined) throw new S3Error('NoSuchKey', undefined, { fields: { Key: request.key } });
  const { etag, checksum } = rewritten.metadata;
  return { written: rewritten.written, etag, checksum };
}

async function copyWhole(
  request: S3Request,
  context: S3Context,
  lease: BucketLease,
  source: OpenedSource,
  replaced: StoredHeaders | undefined,
): Promise<Copied> {
  const { body, stripes, etag, checksum } = await copyBody(request, context, lease, source);
  const { headers, user, sizeBytes } = source.record.metadata;
  const metadata: ObjectMetadata = {
    etag,
    sizeBytes,
    headers,
    user,
    ...replaced,
    ...accessOfCopy(request, context, lease.bucket, source.record.metadata),
    ...(checksum === undefined ? {} : { checksum }),
  };
  const condition = writeCondition((name) => request.header(name));
  const object = new EncodedObject(metadata, body);
  const written = await writeObject(context.cluster, lease, request.key, object, condition);
  if (written.outcome !== 'done') context.cluster.bodies.release(stripes);
  return { written, etag, checksum };
}

interface CopiedBody {
  readonly body: ObjectBody;
  readonly stripes: readonly Stripe[];
  readonly etag: string;
  readonly checksum: StoredChecksum | undefined;
}

/** The copy is one piece, whatever its source was: its ETag is its MD5, and its checksum covers all of it. */
async function copyBody(
  request: S3Request,
  context: S3Context,
  lease: BucketLease,
  source: OpenedSource,
): Promise<CopiedBody> {
  const { record } = source;
  const { metadata } = record;
  const named = request.header('x-amz-checksum-algorithm');
  const wanted: ChecksumAlgorithm | undefined =
    named === undefined ? metadata.checksum?.algorithm : parseAlgorithm(named, 'x-amz-checksum-algorithm');
  const kept =
    metadata.checksum?.type === 'FULL_OBJECT' && metadata.checksum.algorithm === wanted
      ? metadata.checksum
      : undefined;
  const algorithms: DigestAlgorithm[] = metadata.etag.includes('-') ? ['md5'] : [];
  if (wanted !== undefined && kept === undefined) algorithms.push(wanted);
  const range = { start: 0, end: metadata.sizeBytes };
  const owner = objectKey(lease.bucket, request.key);
  if (record.body.form === 'inline' && algorithms.length === 0) {
    return { body: record.body, stripes: [], etag: metadata.etag, checksum: kept };
  }
  const writer = context.cluster.bodies.write(owner);
  const { stripes, digests } = await copyBytes(context.cluster, record, range, writer, algorithms);
  const body = await storeLayout(context.cluster, owner, { stripes, parts: [] });
  const manifest = body.form === 'manifest' ? body.manifest : [];
  const hex = wanted === undefined ? undefined : digests[wanted];
  const made: StoredChecksum | undefined =
    wanted === undefined || hex === undefined
      ? kept
      : { algorithm: wanted, type: 'FULL_OBJECT', value: Buffer.from(hex, 'hex').toString('base64') };
  return { body, stripes: [...stripes, ...manifest], etag: digests.md5 ?? metadata.etag, checksum: made };
}
