/** The source of CopyObject and UploadPartCopy: its name, its record, its conditions. */
import { judgeRead, readConditions } from '#proxy/http/conditions.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { ObjectRecord } from '#proxy/objects/object-record.ts';
import { readObject } from '#proxy/objects/object-store.ts';
import { permit } from './access/permit.ts';
import { namedBucket } from './bucket-of.ts';
import type { S3Context } from './context.ts';
import { invalidArgument, S3Error } from './errors.ts';
import { checkVersion } from './object-reading.ts';
import { decodePercent, parseQuery } from './query.ts';
import { checkKey } from './request-target.ts';
import type { S3Request } from './request.ts';

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
}

export interface OpenedSource extends CopySource {
  readonly place: BucketRecord;
  readonly record: ObjectRecord;
}

export function parseCopySource(header: string): CopySource {
  const question = header.indexOf('?');
  const path = decodePercent(question < 0 ? header : header.slice(0, question)).replace(/^\//, '');
  if (question >= 0) checkVersion(parseQuery(header.slice(question + 1)).get('versionId'));
  const slash = path.indexOf('/');
  if (slash < 1 || slash === path.length - 1) {
    const message = 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey';
    throw invalidArgument(message, 'x-amz-copy-source', header);
  }
  const key = path.slice(slash + 1);
  checkKey(key);
  return { bucket: path.slice(0, slash), key };
}

export async function openCopySource(request: S3Request, context: S3Context): Promise<OpenedSource> {
  const source = parseCopySource(request.header('x-amz-copy-source') ?? '');
  const expectedOwner = request.header('x-amz-source-expected-bucket-owner');
  const place = await namedBucket(request, context, source.bucket, expectedOwner);
  const reading = { record: undefined as ReturnType<typeof readObject> | undefined };
  const object = () => (reading.record ??= readObject(context.cluster, place, source.key));
  const { bucket: bucketName, key } = source;
  await permit(request, context, place, { action: 's3:GetObject', bucketName, key, object });
  const record = await object();
  if (record === undefined) throw new S3Error('NoSuchKey', undefined, { fields: { Key: source.key } });
  checkSourceConditions(request, record);
  return { ...source, place, record };
}

export function checkSourceConditions(request: S3Request, record: ObjectRecord): void {
  const conditions = readConditions((name) => request.header(name), 'x-amz-copy-source-');
  const verdict = judgeRead(conditions, { etag: record.metadata.etag, modifiedMs: record.modifiedMs });
  if (verdict !== 'proceed') throw new S3Error('PreconditionFailed');
}
