/** The source of CopyObject and UploadPartCopy: its name, its record, its conditions. */
import { judgeRead, readConditions } from '#proxy/http/conditions.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { ObjectRecord } from '#proxy/objects/object-record.ts';
import { isLarge } from '#proxy/large-objects/representation.ts';
import { type FoundVersion, readVersion } from '#proxy/objects/object-versions.ts';
import { isExpired } from '#proxy/objects/swift-properties.ts';
import { shownVersion, type VersionSelector } from '#proxy/objects/version-id.ts';
import { permit } from './access/permit.ts';
import { namedBucket } from './bucket-of.ts';
import type { S3Context } from './context.ts';
import { invalidArgument, S3Error } from './errors.ts';
import { selectorOf } from './object-of.ts';
import { decodePercent, parseQuery } from './query.ts';
import { checkKey } from './request-target.ts';
import type { FlatHeaders } from './reply.ts';
import type { S3Request } from './request.ts';

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  /** The current version when undefined. */
  readonly version: VersionSelector | undefined;
}

export interface OpenedSource extends CopySource {
  readonly place: BucketRecord;
  readonly record: ObjectRecord;
}

export function parseCopySource(header: string): CopySource {
  const question = header.indexOf('?');
  const path = decodePercent(question < 0 ? header : header.slice(0, question)).replace(/^\//, '');
  const version =
    question < 0 ? undefined : selectorOf(parseQuery(header.slice(question + 1)).get('versionId'));
  const slash = path.indexOf('/');
  if (slash < 1 || slash === path.length - 1) {
    const message = 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey';
    throw invalidArgument(message, 'x-amz-copy-source', header);
  }
  const key = path.slice(slash + 1);
  checkKey(key);
  return { bucket: path.slice(0, slash), key, version };
}

export async function openCopySource(request: S3Request, context: S3Context): Promise<OpenedSource> {
  const source = parseCopySource(request.header('x-amz-copy-source') ?? '');
  const expectedOwner = request.header('x-amz-source-expected-bucket-owner');
  const place = await namedBucket(request, context, source.bucket, expectedOwner);
  const { bucket: bucketName, key, version } = source;
  let reading: Promise<FoundVersion | undefined> | undefined;
  const find = () => (reading ??= readVersion(context.cluster, place, key, version));
  const object = async () => {
    const found = await find();
    return found?.type === 'object' ? found.record : undefined;
  };
  const action = version === undefined ? 's3:GetObject' : 's3:GetObjectVersion';
  await permit(request, context, place, { action, bucketName, key, object, version: { id: version } });
  const found = await find();
  if (found?.type !== 'object') throw absentSource(source, found);
  const { record } = found;
  if (isExpired(record.metadata.swift, context.clock.nowMs())) throw absentSource(source, undefined);
  // Its record has the list of the segments for a body.
  if (isLarge(record)) throw new S3Error('InvalidRequest', 'An object of segments is copied through Swift.');
  checkSourceConditions(request, record);
  return { ...source, place, record };
}

function absentSource({ key, version }: CopySource, found: FoundVersion | undefined): S3Error {
  if (version === undefined) return new S3Error('NoSuchKey', undefined, { fields: { Key: key } });
  if (found === undefined)
    return new S3Error('NoSuchVersion', undefined, { fields: { Key: key, VersionId: version } });
  const message = 'The source of a copy request may not specifically refer to a delete marker by version id.';
  return new S3Error('InvalidRequest', message);
}

/** Which version of the source was copied: nothing when its bucket never had versioning. */
export function pushSourceVersion(into: FlatHeaders, { place, record }: OpenedSource): void {
  if (place.versioning !== undefined) into.push('x-amz-copy-source-version-id', shownVersion(record.version));
}

export function checkSourceConditions(request: S3Request, record: ObjectRecord): void {
  const conditions = readConditions((name) => request.header(name), 'x-amz-copy-source-');
  const verdict = judgeRead(conditions, { etag: record.metadata.etag, modifiedMs: record.modifiedMs });
  if (verdict !== 'proceed') throw new S3Error('PreconditionFailed');
}
