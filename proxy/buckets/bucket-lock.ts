/** A bucket's object lock: whether it has one, and what it gives to new objects, through whichever door they come. */
import { bucketDocuments } from '#proxy/access/rules-of-bucket.ts';
import type { ObjectLock, Retention, RetentionMode } from '#proxy/objects/object-lock.ts';
import type { BucketRecord } from './bucket-record.ts';

export interface DefaultRetention {
  readonly mode: RetentionMode;
  readonly unit: 'Days' | 'Years';
  readonly count: number;
}

export interface BucketLock {
  readonly retention?: DefaultRetention;
}

const DAY_MS = 86_400_000;

export function hasLock(bucket: BucketRecord): boolean {
  return bucket.configuration?.[bucketDocuments.objectLock] !== undefined;
}

/** Undefined when the bucket has no object lock. */
export function bucketLock(bucket: BucketRecord): BucketLock | undefined {
  const text = bucket.configuration?.[bucketDocuments.objectLock];
  return text === undefined ? undefined : (JSON.parse(text) as BucketLock);
}

export function defaultRetention(bucket: BucketRecord, nowMs: number): Retention | undefined {
  const retention = bucketLock(bucket)?.retention;
  if (retention === undefined) return undefined;
  const { mode, unit, count } = retention;
  return { mode, untilMs: nowMs + count * (unit === 'Days' ? 1 : 365) * DAY_MS };
}

/** The part of a new object's metadata for a door that has no word for locks of its own. */
export function defaultLock(bucket: BucketRecord, nowMs: number): { readonly lock?: ObjectLock } {
  const retention = defaultRetention(bucket, nowMs);
  return retention === undefined ? {} : { lock: { retention } };
}
