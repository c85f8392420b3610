/** What lifecycle rules say is due: docs/formats/lifecycle-record.md, "What is due". Pure. */
import type { TagSet } from '#proxy/objects/tag-set.ts';
import type { LifecycleFilter, LifecycleRule } from './lifecycle-rule.ts';

/** A version that has a body. */
export interface Subject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly tags: TagSet;
}

export interface Expiration {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly ruleId: string;
}

export function hasTags(rules: readonly LifecycleRule[]): boolean {
  return rules.some(({ filter }) => filter.tags.length > 0);
}

/** The first midnight not before so many days after `fromMs`. */
export function afterDays(fromMs: number, days: number, dayMs: number): number {
  return Math.ceil((fromMs + days * dayMs) / dayMs) * dayMs;
}

/** When the current version expires, by the rule that has it expire first; undefined when none does. */
export function expirationOf(
  rules: readonly LifecycleRule[],
  subject: Subject,
  modifiedMs: number,
  dayMs: number,
): Expiration | undefined {
  let first: Expiration | undefined;
  for (const rule of rules) {
    const { expirationDays, expirationDateMs, id } = rule;
    const atMs =
      expirationDays === undefined ? expirationDateMs : afterDays(modifiedMs, expirationDays, dayMs);
    if (atMs === undefined || !matches(rule.filter, subject)) continue;
    if (first === undefined || atMs < first.atMs) first = { atMs, ruleId: id };
  }
  return first;
}

/** @param rank how many versions of the key that are not current are newer. @param sinceMs when the next newer one was written. */
export function noncurrentIsDue(
  rules: readonly LifecycleRule[],
  subject: Subject | string,
  rank: number,
  sinceMs: number,
  { nowMs, dayMs }: { readonly nowMs: number; readonly dayMs: number },
): boolean {
  return rules.some(
    ({ noncurrentDays, newerNoncurrentVersions, filter }) =>
      noncurrentDays !== undefined &&
      rank >= newerNoncurrentVersions &&
      afterDays(sinceMs, noncurrentDays, dayMs) <= nowMs &&
      (typeof subject === 'string' ? matchesKeyAlone(filter, subject) : matches(filter, subject)),
  );
}

/** Of a delete marker that is a key's only version. */
export function loneMarkerIsDue(
  rules: readonly LifecycleRule[],
  key: string,
  modifiedMs: number,
  { nowMs, dayMs }: { readonly nowMs: number; readonly dayMs: number },
): boolean {
  return rules.some(
    ({ expirationDays, expiredDeleteMarkers, filter }) =>
      (expiredDeleteMarkers ||
        (expirationDays !== undefined && afterDays(modifiedMs, expirationDays, dayMs) <= nowMs)) &&
      matchesKeyAlone(filter, key),
  );
}

export function uploadIsDue(
  rules: readonly LifecycleRule[],
  key: string,
  initiatedMs: number,
  { nowMs, dayMs }: { readonly nowMs: number; readonly dayMs: number },
): boolean {
  return rules.some(
    ({ abortDays, filter }) =>
      abortDays !== undefined &&
      afterDays(initiatedMs, abortDays, dayMs) <= nowMs &&
      matchesKeyAlone(filter, key),
  );
}

function matches({ prefix, tags, sizeOver, sizeUnder }: LifecycleFilter, subject: Subject): boolean {
  const { key, sizeBytes } = subject;
  return (
    key.startsWith(prefix) &&
    (sizeOver === undefined || sizeBytes > sizeOver) &&
    (sizeUnder === undefined || sizeBytes < sizeUnder) &&
    tags.every(([name, value]) => subject.tags.some((tag) => tag[0] === name && tag[1] === value))
  );
}

/** For what has neither tags nor a size: a rule that asks for them says nothing of it. */
function matchesKeyAlone({ prefix, tags, sizeOver, sizeUnder }: LifecycleFilter, key: string): boolean {
  return key.startsWith(prefix) && tags.length === 0 && sizeOver === undefined && sizeUnder === undefined;
}
