/**
 * COPY of an object, and PUT with X-Copy-From, which is the same from the other end (Object Storage API reference, "Copy
 * object"). The copy is one piece, whatever its source was made of; `multipart-manifest=get` copies the manifest alone.
 */
import { HoldfastError } from '#common/errors.ts';
import { parseRangeSet, type ByteRange } from '#proxy/http/byte-range.ts';
import { readConditions } from '#proxy/http/conditions.ts';
import { httpTime } from '#proxy/http/http-time.ts';
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import { copyBody } from '#proxy/objects/copy-body.ts';
import { defaultLock } from '#proxy/buckets/bucket-lock.ts';
import { EncodedObject, type ObjectMetadata, type ObjectRecord } from '#proxy/objects/object-record.ts';
import { objectKey, rewriteObject, writeObject } from '#proxy/objects/object-store.ts';
import type { SwiftContext } from '../context.ts';
import { badRequest, SwiftError } from '../errors.ts';
import { copyManifest } from '../large-objects/copy-manifest.ts';
import { swiftLimits } from '../limits.ts';
import { isTrue } from '../query.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation, SwiftRequest } from '../request.ts';
import { judgeSwiftRead } from './conditions.ts';
import { type CopyEnd, destinationOf, sourceOf } from './copy-ends.ts';
import { readableElsewhere, writableElsewhere } from './elsewhere.ts';
import { conflicts, findObject, type ShownObject, showObject } from './find-object.ts';
import { checkObjectName } from './object-name.ts';
import { type GivenMetadata, givenContentType, readGivenMetadata, swiftSection } from './put-headers.ts';
import type { WrittenObject } from './written-object.ts';
import { checkMetadata, encodePath, userHeader } from './stored-metadata.ts';

/** Of a copy onto itself of an object that others change. */
const ATTEMPTS_MAX = 16;

export const copyObject: Operation = async (request, context) => {
  const { resource, knownAccount } = request;
  const { account: accountName, container } = resource;
  const source = { account: knownAccount, accountName, container: container ?? '', object: request.object };
  await copy(request, context, source, destinationOf(request, context));
};

export async function copyFrom(request: SwiftRequest, context: SwiftContext): Promise<void> {
  const length = request.header('content-length');
  if (request.header('transfer-encoding') !== undefined || (length !== undefined && Number(length) > 0)) {
    throw badRequest('Copy requests require a zero byte body');
  }
  const { resource, knownAccount } = request;
  const { account: accountName, container } = resource;
  const destination = {
    account: knownAccount,
    accountName,
    container: container ?? '',
    object: request.object,
  };
  await copy(request, context, sourceOf(request, context), destination);
}

async function copy(request: SwiftRequest, context: SwiftContext, from: CopyEnd, to: CopyEnd): Promise<void> {
  checkObjectName(from.object);
  checkObjectName(to.object);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1)
    if (await copyOnce(request, context, from, to)) return;
  throw new HoldfastError('overloaded', 'the object changes too fast to be copied onto itself');
}

/** False when what was read of an object that is copied onto itself is not what is there any more: nothing has been done. */
async function copyOnce(
  request: SwiftRequest,
  context: SwiftContext,
  from: CopyEnd,
  to: CopyEnd,
): Promise<boolean> {
  const place = await readableElsewhere(request, context, from);
  const record = await findObject(context, place, from.object);
  const { version } = request.resource;
  const reading = request.elsewhere('GET', from.account, {
    version,
    account: from.accountName,
    container: from.container,
    object: from.object,
  });
  const shown = await showObject(reading, context, record);
  const conditions = readConditions((name) => request.header(name));
  const verdict = judgeSwiftRead(conditions, { etag: shown.etag, modifiedMs: record.modifiedMs });
  if (verdict !== 'proceed') throw new SwiftError(412);
  const given = copiedMetadata(request, context, record, shown);
  const range = requestedRange(request, shown);
  const { start, end } = range ?? { start: 0, end: shown.source.sizeBytes };
  const lease = await writableElsewhere(request, context, to, 'PUT', end - start);
  const manifest = shown.kind === 'manifest' && record.metadata.swift?.largeObject !== undefined;
  const ontoItself = place.bucketId === lease.bucket.bucketId && from.object === to.object;
  const inPlace = ontoItself && range === undefined && lease.bucket.versioning === undefined;
  const copied: WrittenObject | undefined = manifest
    ? await copyManifest(request, context, { record, to, lease, given })
    : inPlace && shown.kind === 'plain'
      ? await replaceMetadata(context, lease, record, { name: to.object, given })
      : await copyBytes(context, lease, to.object, { record, shown, range, given });
  if (copied === undefined) return false;
  if (copied.written.outcome !== 'done') throw new SwiftError(412);
  request.reply.accepted(201, answerHeaders(from, record, given, copied, copied.written.modifiedMs));
  return true;
}

function requestedRange(request: SwiftRequest, { source }: ShownObject): ByteRange | undefined {
  const header = request.header('range');
  const { sizeBytes } = source;
  const limits = { rangesMax: 2, overlapsMax: 0, descentsMax: 0 };
  const ranges = header === undefined ? undefined : parseRangeSet(header, sizeBytes, limits);
  if (ranges === 'unsatisfiable')
    throw new SwiftError(416, undefined, { headers: ['Content-Range', `bytes */${sizeBytes}`] });
  if (ranges !== undefined && ranges.length > 1) throw badRequest('A copy is of one range');
  const [range] = ranges ?? [];
  const lengthBytes = range === undefined ? sizeBytes : range.end - range.start;
  if (lengthBytes > swiftLimits.max_file_size) throw new SwiftError(413);
  return range;
}

/** What the source has, and what the request says over it; X-Fresh-Metadata takes nothing of the source but its type. */
function copiedMetadata(
  request: SwiftRequest,
  context: SwiftContext,
  { metadata }: ObjectRecord,
  shown: ShownObject,
): GivenMetadata {
  const contentType = givenContentType(request) ?? metadata.headers['content-type'] ?? shown.contentType;
  const given = readGivenMetadata(request, context, contentType);
  const dynamic =
    request.query.get('multipart-manifest') === 'get' ? metadata.swift?.objectManifest : undefined;
  const manifest = dynamic === undefined ? undefined : { objectManifest: dynamic };
  if (isTrue(request.header('x-fresh-metadata'))) return { ...given, swift: { ...manifest, ...given.swift } };
  const deleteAtSeconds = metadata.swift?.deleteAtSeconds;
  const merged = {
    headers: { ...metadata.headers, ...given.headers },
    user: { ...metadata.user, ...given.user },
    swift: {
      ...(deleteAtSeconds === undefined ? undefined : { deleteAtSeconds }),
      ...manifest,
      ...given.swift,
    },
  };
  checkMetadata(merged.user);
  return merged;
}

/** Undefined when the object is another by now than the one that `given` was made of. */
async function replaceMetadata(
  context: SwiftContext,
  lease: BucketLease,
  source: ObjectRecord,
  { name, given }: { readonly name: string; readonly given: GivenMetadata },
): Promise<WrittenObject | undefined> {
  const { headers, user, swift } = given;
  const condition = { ifVersion: source.version };
  const rewritten = await rewriteObject(context.cluster, lease, name, condition, (record) => {
    const { swift: _, ...kept } = record.metadata;
    return { ...kept, headers, user, ...swiftSection(swift) };
  });
  if (rewritten?.written.outcome !== 'done') return undefined;
  return { written: rewritten.written, etag: rewritten.metadata.etag };
}

interface CopiedSource {
  readonly record: ObjectRecord;
  readonly shown: ShownObject;
  readonly range: ByteRange | undefined;
  readonly given: GivenMetadata;
}

async function copyBytes(
  context: SwiftContext,
  lease: BucketLease,
  name: string,
  { record, shown, range, given }: CopiedSource,
): Promise<WrittenObject> {
  const { cluster } = context;
  const whole = { start: 0, end: shown.source.sizeBytes };
  const { start, end } = range ?? whole;
  const owner = objectKey(lease.bucket, name);
  const { body, stripes, md5Hex } = await conflicts(copyBody(cluster, owner, shown.source, range ?? whole));
  const { headers, user, swift } = given;
  const { checksum } = record.metadata;
  const sameBytes = range === undefined && shown.kind === 'plain' && checksum?.type === 'FULL_OBJECT';
  const metadata: ObjectMetadata = {
    etag: md5Hex,
    sizeBytes: end - start,
    headers,
    user,
    ...(sameBytes ? { checksum } : undefined),
    ...swiftSection(swift),
    ...defaultLock(lease.bucket, context.clock.nowMs()),
  };
  const written = await writeObject(cluster, lease, name, new EncodedObject(metadata, body));
  if (written.outcome !== 'done') cluster.bodies.release(stripes);
  return { written, etag: md5Hex };
}

function answerHeaders(
  from: CopyEnd,
  record: ObjectRecord,
  { user }: GivenMetadata,
  { etag }: WrittenObject,
  modifiedMs: number,
): FlatHeaders {
  const headers: FlatHeaders = ['Last-Modified', httpTime(modifiedMs), 'Etag', etag];
  headers.push('X-Copied-From-Account', encodePath(from.accountName));
  headers.push('X-Copied-From', encodePath(`${from.container}/${from.object}`));
  headers.push('X-Copied-From-Last-Modified', httpTime(record.modifiedMs));
  for (const name in user) headers.push(userHeader(name), user[name] ?? '');
  return headers;
}
