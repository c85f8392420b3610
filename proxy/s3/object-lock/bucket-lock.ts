/** A bucket's object lock as S3 writes it. */
import { type BucketLock, type DefaultRetention, hasLock } from '#proxy/buckets/bucket-lock.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { type RetentionMode, retentionModes } from '#proxy/objects/object-lock.ts';
import { S3Error } from '../errors.ts';
import { childText, readXml, type XmlElement } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';

const COUNT_MAX = { Days: 36_500, Years: 100 } as const;

export function requireLock(bucket: BucketRecord): void {
  if (!hasLock(bucket)) throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration');
}

export function parseBucketLock(body: Buffer): BucketLock {
  const root = readXml(body);
  if (root.name !== 'ObjectLockConfiguration' || childText(root, 'ObjectLockEnabled')?.trim() !== 'Enabled')
    throw new S3Error('MalformedXML');
  const rule = root.children.find((child) => child.name === 'Rule');
  if (rule === undefined) return {};
  const retention = rule.children.find((child) => child.name === 'DefaultRetention');
  if (retention === undefined) throw new S3Error('MalformedXML');
  return { retention: parseDefault(retention) };
}

function parseDefault(element: XmlElement): DefaultRetention {
  const mode = modeOf(childText(element, 'Mode'));
  const counts = (['Days', 'Years'] as const).flatMap((unit) => {
    const text = childText(element, unit)?.trim();
    return text === undefined ? [] : [{ unit, text }];
  });
  const [only] = counts;
  if (only === undefined || counts.length > 1) throw new S3Error('MalformedXML');
  if (!/^-?\d{1,9}$/.test(only.text)) throw new S3Error('MalformedXML');
  const count = Number(only.text);
  if (count < 1) throw new S3Error('InvalidRetentionPeriod');
  if (count > COUNT_MAX[only.unit]) throw new S3Error('InvalidRetentionPeriod', 'The period is too large');
  return { mode, unit: only.unit, count };
}

export function modeOf(text: string | undefined): RetentionMode {
  const mode = retentionModes.find((known) => known === text?.trim());
  if (mode === undefined) throw new S3Error('MalformedXML');
  return mode;
}

export function bucketLockXml({ retention }: BucketLock): string {
  const xml = new XmlWriter('ObjectLockConfiguration').element('ObjectLockEnabled', 'Enabled');
  if (retention !== undefined) {
    xml.open('Rule').open('DefaultRetention').element('Mode', retention.mode);
    xml.element(retention.unit, retention.count).close().close();
  }
  return xml.done();
}
