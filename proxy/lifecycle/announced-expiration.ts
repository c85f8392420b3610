/** What answers say of when an object is to expire (Amazon S3 API Reference, PutObject, `x-amz-expiration`). */
import { bucketDocuments } from '#proxy/access/rules-of-bucket.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { httpTime } from '#proxy/http/http-time.ts';
import type { ObjectMetadata } from '#proxy/objects/object-record.ts';
import { expirationOf } from './due.ts';
import { type LifecycleRule, readLifecycle } from './lifecycle-rule.ts';

export const DAY_MS = 86_400_000;
const NO_RULES: readonly LifecycleRule[] = [];

/** Rules by record: the directory gives the same record for a second, and its rules are read once in that time. */
export class AnnouncedExpirations {
  readonly #dayMs: number;
  readonly #rules = new WeakMap<BucketRecord, readonly LifecycleRule[]>();

  /** @param dayMs what a day is to lifecycle rules. */
  constructor(dayMs: number = DAY_MS) {
    this.#dayMs = dayMs;
  }

  /** The header's value for a current version; undefined when no rule has it expire. */
  of(bucket: BucketRecord, key: string, metadata: ObjectMetadata, modifiedMs: number): string | undefined {
    const rules = this.#rulesOf(bucket);
    if (rules.length === 0) return undefined;
    const { sizeBytes, tags = [] } = metadata;
    const expiration = expirationOf(rules, { key, sizeBytes, tags }, modifiedMs, this.#dayMs);
    if (expiration === undefined) return undefined;
    const { atMs, ruleId } = expiration;
    return `expiry-date="${httpTime(atMs)}", rule-id="${encodeURIComponent(ruleId)}"`;
  }

  #rulesOf(bucket: BucketRecord): readonly LifecycleRule[] {
    const document = bucket.configuration?.[bucketDocuments.lifecycle];
    if (document === undefined) return NO_RULES;
    let rules = this.#rules.get(bucket);
    if (rules === undefined) {
      rules = readLifecycle(document);
      this.#rules.set(bucket, rules);
    }
    return rules;
  }
}
