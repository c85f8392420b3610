/** Conditional requests, as Swift reads them: unlike in RFC 9110, every condition counts, whatever others there are. */
import {
  type HeaderOf,
  isModifiedSince,
  namesEntityTag,
  parseEntityTags,
  type ReadConditions,
  type ReadVerdict,
  type Validators,
} from '#proxy/http/conditions.ts';
import type { WriteCondition } from '#proxy/objects/write-condition.ts';
import { badRequest } from '../errors.ts';

export function judgeSwiftRead(conditions: ReadConditions, { etag, modifiedMs }: Validators): ReadVerdict {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  if (ifNoneMatch !== undefined && namesEntityTag(ifNoneMatch, etag)) return 'not-modified';
  if (ifMatch !== undefined && !namesEntityTag(ifMatch, etag)) return 'failed';
  if (isModifiedSince(ifModifiedSince, modifiedMs) === false) return 'not-modified';
  return isModifiedSince(ifUnmodifiedSince, modifiedMs) === true ? 'failed' : 'proceed';
}

/** The condition of a PUT. Swift's own has `If-None-Match: *` alone; If-Match works here as it does at the S3 door. */
export function swiftWriteCondition(header: HeaderOf): WriteCondition | undefined {
  const match = header('if-match');
  const noneMatch = header('if-none-match');
  if (noneMatch !== undefined && noneMatch.trim() !== '*') throw badRequest('If-None-Match only supports *');
  if (match === undefined && noneMatch === undefined) return undefined;
  return {
    ...(match === undefined ? {} : { ifMatch: parseEntityTags(match) }),
    ...(noneMatch === undefined ? {} : { ifNoneMatch: '*' as const }),
  };
}
