/** The conditions of writes (Amazon S3 User Guide, "Conditional requests"). */
import { type HeaderOf, parseEntityTags } from '#proxy/http/conditions.ts';
import type { WriteCondition } from '#proxy/objects/write-condition.ts';
import { notImplemented, S3Error } from './errors.ts';

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
