/** GetObjectRetention, PutObjectRetention, GetObjectLegalHold and PutObjectLegalHold (Amazon S3 API Reference). */
import { mayRetain, type Retention } from '#proxy/objects/object-lock.ts';
import { bucketOf, leaseOf } from '../bucket-of.ts';
import { S3Error } from '../errors.ts';
import { modeOf, requireLock } from '../object-lock/bucket-lock.ts';
import { leaveOf } from '../object-lock/bypass.ts';
import { parseIsoTime } from '../object-lock/lock-headers.ts';
import { presentObject, rewriteMetadata } from '../object-of.ts';
import type { Operation } from '../request.ts';
import { isoTime } from '../time-format.ts';
import { childText, readXml } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';

const BODY_BYTES_MAX = 64 * 1024;

export const getObjectRetention: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  requireLock(bucket);
  const { retention } = (await presentObject(request, context, bucket)).metadata.lock ?? {};
  if (retention === undefined) throw new S3Error('NoSuchObjectLockConfiguration');
  const xml = new XmlWriter('Retention').element('Mode', retention.mode);
  request.reply.xml(200, xml.element('RetainUntilDate', isoTime(retention.untilMs)).done());
};

export const putObjectRetention: Operation = async (request, context) => {
  const lease = await leaseOf(request, context);
  requireLock(lease.bucket);
  const versionId = request.query.get('versionId');
  const leave = await leaveOf(request, context, lease.bucket, { key: request.key, versionId });
  const nowMs = context.clock.nowMs();
  const retention = parseRetention(await request.openBody(context).readAll(BODY_BYTES_MAX), nowMs);
  await rewriteMetadata(request, context, lease, (metadata) => {
    const { retention: before, ...others } = metadata.lock ?? {};
    if (!mayRetain(before, retention, nowMs, leave)) throw new S3Error('AccessDenied');
    return { ...metadata, lock: { ...others, ...(retention === undefined ? undefined : { retention }) } };
  });
};

/** Undefined for an empty document, which takes the retention away. */
function parseRetention(body: Buffer, nowMs: number): Retention | undefined {
  const root = readXml(body);
  if (root.name !== 'Retention') throw new S3Error('MalformedXML');
  if (root.children.length === 0) return undefined;
  const mode = modeOf(childText(root, 'Mode'));
  const untilMs = parseIsoTime(childText(root, 'RetainUntilDate')?.trim() ?? '');
  if (untilMs === undefined) throw new S3Error('MalformedXML');
  if (untilMs <= nowMs) throw new S3Error('InvalidArgument', 'The retain until date must be in the future!');
  return { mode, untilMs };
}

export const getObjectLegalHold: Operation = async (request, context) => {
  const bucket = await bucketOf(request, context);
  requireLock(bucket);
  const { legalHold } = (await presentObject(request, context, bucket)).metadata.lock ?? {};
  if (legalHold === undefined) throw new S3Error('NoSuchObjectLockConfiguration');
  request.reply.xml(200, new XmlWriter('LegalHold').element('Status', legalHold ? 'ON' : 'OFF').done());
};

export const putObjectLegalHold: Operation = async (request, context) => {
  const lease = await leaseOf(request, context);
  requireLock(lease.bucket);
  const root = readXml(await request.openBody(context).readAll(BODY_BYTES_MAX));
  const status = childText(root, 'Status')?.trim();
  if (root.name !== 'LegalHold' || (status !== 'ON' && status !== 'OFF')) throw new S3Error('MalformedXML');
  const legalHold = status === 'ON';
  await rewriteMetadata(request, context, lease, (metadata) => ({
    ...metadata,
    lock: { ...metadata.lock, legalHold },
  }));
};
