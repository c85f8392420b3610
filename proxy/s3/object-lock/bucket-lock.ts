/** A bucket's object lock: whether it has one, and what it gives to new objects. */
import { bucketDocuments } from '#proxy/access/rules-of-bucket.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { type Retention, type RetentionMode, retentionModes } from '#proxy/objects/object-lock.ts';
import { S3Error } from '../errors.ts';
import { childText, readXml, type XmlElement } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';

export interface DefaultRetention {
  readonly mode: RetentionMode;
  readonly unit: 'Days' | 'Years';
  readonly count: number;
}

export interface BucketLock {
  readonly retention?: DefaultRetention;
}

const DAY_MS = 86_400_000;
const COUNT_MAX = { Days: 36_500, Years: 100 } as const;

export function hasLock(bucket: BucketRecord): boolean {
  return bucket.configuration?.[bucketDocuments.objectLock] !== undefined;
}

/** Undefined when the bucket has no object lock. */
export function bucketLock(bucket: BucketRecord): BucketLock | undefined {
  const text = bucket.configuration?.[bucketDocuments.objectLock];
  return text === undefined ? undefined : (JSON.parse(text) as BucketLock);
}

export function requireLock(bucket: BucketRecord): void {
  if (!hasLock(bucket)) throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration');
}

export function defaultRetention(bucket: BucketRecord, nowMs: number): Retention | undefined {
  const retention = bucketLock(bucket)?.retention;
  if (retention === undefined) return undefined;
  const { mode, unit, count } = retention;
  return { mode, untilMs: nowMs + count * (unit === 'Days' ? 1 : 365) * DAY_MS };
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
