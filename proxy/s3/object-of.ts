/** The version of an object that a request names, read once: for the decision whether it may be had, and then for the operation. */
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { ObjectMetadata, ObjectRecord } from '#proxy/objects/object-record.ts';
import { httpTime } from '#proxy/http/http-time.ts';
import { changeVersion } from '#proxy/objects/change-version.ts';
import { type FoundVersion, readVersion } from '#proxy/objects/object-versions.ts';
import { isExpired } from '#proxy/objects/swift-properties.ts';
import { parseVersionSelector, shownVersion, type VersionSelector } from '#proxy/objects/version-id.ts';
import type { S3Context } from './context.ts';
import { S3Error } from './errors.ts';
import type { FlatHeaders } from './reply.ts';
import type { S3Request } from './request.ts';

/** Undefined for the current version. Throws NoSuchVersion for text that names none. */
export function selectorOf(text: string | undefined): VersionSelector | undefined {
  if (text === undefined || text === '') return undefined;
  const selector = parseVersionSelector(text);
  if (selector !== undefined) return selector;
  throw new S3Error('NoSuchVersion', undefined, { fields: { VersionId: text.slice(0, 1024) } });
}

export function objectOf(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
): Promise<FoundVersion | undefined> {
  const selector = selectorOf(request.query.get('versionId'));
  request.object ??= readVersion(context.cluster, bucket, request.key, selector).then((found) =>
    found?.type === 'object' && isExpired(found.record.metadata.swift, context.clock.nowMs())
      ? undefined
      : found,
  );
  return request.object;
}

/** Throws NoSuchKey, NoSuchVersion, or MethodNotAllowed of a delete marker. */
export async function presentObject(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
): Promise<ObjectRecord> {
  const found = await objectOf(request, context, bucket);
  if (found?.type === 'object') return found.record;
  throw absentObject(request, found);
}

function absentObject(request: S3Request, found: FoundVersion | undefined): S3Error {
  const VersionId = request.query.get('versionId') ?? '';
  const fields = { Key: request.key, ...(VersionId === '' ? undefined : { VersionId }) };
  const headers = found?.type === 'delete-marker' ? markerHeaders(found) : {};
  if (VersionId === '') return new S3Error('NoSuchKey', undefined, { fields, headers });
  if (found === undefined) return new S3Error('NoSuchVersion', undefined, { fields });
  const modifiedMs = found.type === 'delete-marker' ? found.modifiedMs : found.record.modifiedMs;
  const allowed = { ...headers, Allow: 'DELETE', 'Last-Modified': httpTime(modifiedMs) };
  return new S3Error('MethodNotAllowed', undefined, { fields, headers: allowed });
}

function markerHeaders(marker: FoundVersion & { readonly type: 'delete-marker' }) {
  return { 'x-amz-delete-marker': 'true', 'x-amz-version-id': shownVersion(marker.version) };
}

/** Changes what is known of the object, in place, and answers; its time and its ETag stay. */
export async function rewriteMetadata(
  request: S3Request,
  context: S3Context,
  lease: BucketLease,
  change: (metadata: ObjectMetadata) => ObjectMetadata,
  status = 200,
): Promise<void> {
  const selector = selectorOf(request.query.get('versionId'));
  const changed = await changeVersion(context.cluster, lease, request.key, selector, change);
  if (changed?.type !== 'object') throw absentObject(request, changed);
  const headers: FlatHeaders = [];
  if (lease.bucket.versioning !== undefined)
    headers.push('x-amz-version-id', shownVersion(changed.record.version));
  request.reply.empty(status, headers);
}
