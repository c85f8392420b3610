/** Conditional requests (RFC 9110, section 13; Amazon S3 User Guide, "Conditional requests"). */
import type { WriteCondition } from '#proxy/objects/write-condition.ts';
import { notImplemented, S3Error } from './errors.ts';
import { parseHttpTime } from './time-format.ts';

export interface ReadConditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
  readonly ifUnmodifiedSince: string | undefined;
}

export interface Validators {
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
}

const ENTITY_TAG = /\s*(?:W\/)?(?:"([^"]*)"|([^",\s]+))\s*(?:,|$)/y;

/** The tags of an If-Match or If-None-Match, without quotes, which clients of S3 often leave out. */
export function parseEntityTags(header: string): readonly string[] | '*' {
  if (header.trim() === '*') return '*';
  const tags: string[] = [];
  ENTITY_TAG.lastIndex = 0;
  while (ENTITY_TAG.lastIndex < header.length) {
    const found = ENTITY_TAG.exec(header);
    if (found === null) break;
    tags.push(found[1] ?? found[2] ?? '');
  }
  return tags;
}

function names(header: string, etag: string): boolean {
  const tags = parseEntityTags(header);
  return tags === '*' || tags.includes(etag);
}

/**
 * What a read is answered with, in RFC 9110's order of precedence (section 13.2.2): If-Match before
 * If-Unmodified-Since, If-None-Match before If-Modified-Since.
 */
export function judgeRead(
  conditions: ReadConditions,
  { etag, modifiedMs }: Validators,
): 'proceed' | 'not-modified' | 'failed' {
  // A Last-Modified header has whole seconds: so has the comparison.
  const modifiedSecondMs = Math.floor(modifiedMs / 1000) * 1000;
  if (conditions.ifMatch !== undefined) {
    if (!names(conditions.ifMatch, etag)) return 'failed';
  } else {
    const since = parseHttpTime(conditions.ifUnmodifiedSince);
    if (since !== undefined && modifiedSecondMs > since) return 'failed';
  }
  if (conditions.ifNoneMatch !== undefined) {
    if (names(conditions.ifNoneMatch, etag)) return 'not-modified';
  } else {
    const since = parseHttpTime(conditions.ifModifiedSince);
    if (since !== undefined && modifiedSecondMs <= since) return 'not-modified';
  }
  return 'proceed';
}

type HeaderOf = (name: string) => string | undefined;

export function readConditions(header: HeaderOf, prefix = ''): ReadConditions {
  return {
    ifMatch: header(`${prefix}if-match`),
    ifNoneMatch: header(`${prefix}if-none-match`),
    ifModifiedSince: header(`${prefix}if-modified-since`),
    ifUnmodifiedSince: header(`${prefix}if-unmodified-since`),
  };
}

/** The condition of a write, or undefined. If-None-Match knows only `*` there, as S3 has it. */
export function writeCondition(header: HeaderOf): WriteCondition | undefined {
  const match = header('if-match');
  const noneMatch = header('if-none-match');
  if (match === undefined && noneMatch === undefined) return undefined;
  if (noneMatch !== undefined && noneMatch.trim() !== '*') throw notImplemented('If-None-Match');
  return {
    ...(match === undefined ? {} : { ifMatch: parseEntityTags(match) }),
    ...(noneMatch === undefined ? {} : { ifNoneMatch: '*' as const }),
  };
}

export function conditionError(outcome: 'fails' | 'missing', condition?: WriteCondition): S3Error {
  if (outcome === 'missing') return new S3Error('NoSuchKey');
  const Condition = condition?.ifNoneMatch === undefined ? 'If-Match' : 'If-None-Match';
  return new S3Error('PreconditionFailed', undefined, { fields: { Condition } });
}
