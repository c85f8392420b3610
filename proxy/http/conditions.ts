/** Conditional requests (RFC 9110, section 13): their headers, and what they say of a representation. */
import { parseHttpTime } from './http-time.ts';

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

export type ReadVerdict = 'proceed' | 'not-modified' | 'failed';

export type HeaderOf = (name: string) => string | undefined;

const ENTITY_TAG = /\s*(?:W\/)?(?:"([^"]*)"|([^",\s]+))\s*(?:,|$)/y;

export function readConditions(header: HeaderOf, prefix = ''): ReadConditions {
  return {
    ifMatch: header(`${prefix}if-match`),
    ifNoneMatch: header(`${prefix}if-none-match`),
    ifModifiedSince: header(`${prefix}if-modified-since`),
    ifUnmodifiedSince: header(`${prefix}if-unmodified-since`),
  };
}

/** The tags of an If-Match or If-None-Match, without quotes, which clients often leave out. */
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

/** Whether an If-Match or If-None-Match names `etag`. */
export function namesEntityTag(header: string, etag: string): boolean {
  const tags = parseEntityTags(header);
  return tags === '*' || tags.includes(etag);
}

/** Whether it was modified after the date; undefined when the header is none. */
export function isModifiedSince(header: string | undefined, modifiedMs: number): boolean | undefined {
  const since = parseHttpTime(header);
  // A Last-Modified header has whole seconds: so has the comparison.
  return since === undefined ? undefined : Math.floor(modifiedMs / 1000) * 1000 > since;
}

/**
 * What a read is answered with, in RFC 9110's order of precedence (section 13.2.2): If-Match before
 * If-Unmodified-Since, If-None-Match before If-Modified-Since.
 */
export function judgeRead(conditions: ReadConditions, { etag, modifiedMs }: Validators): ReadVerdict {
  if (conditions.ifMatch !== undefined) {
    if (!namesEntityTag(conditions.ifMatch, etag)) return 'failed';
  } else if (isModifiedSince(conditions.ifUnmodifiedSince, modifiedMs) === true) return 'failed';
  if (conditions.ifNoneMatch !== undefined) {
    if (namesEntityTag(conditions.ifNoneMatch, etag)) return 'not-modified';
  } else if (isModifiedSince(conditions.ifModifiedSince, modifiedMs) === false) return 'not-modified';
  return 'proceed';
}
