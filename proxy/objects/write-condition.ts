/** A condition on what a write replaces, decided inside the register's mutation. */
import type { ObjectMetadata } from './object-record.ts';
import { isExpired } from './swift-properties.ts';

export interface WriteCondition {
  /** The object must exist, with one of these ETags (without quotes); `*` for any. */
  readonly ifMatch?: readonly string[] | '*';
  /** No object must exist. */
  readonly ifNoneMatch?: '*';
  /** The object must exist, and its time must be over at this moment, in milliseconds since 1970. */
  readonly ifExpiredMs?: number;
}

export type ConditionVerdict = 'holds' | 'fails' | 'missing';

export function judgeCondition(
  condition: WriteCondition,
  current: Pick<ObjectMetadata, 'etag' | 'swift'> | undefined,
): ConditionVerdict {
  if (condition.ifNoneMatch === '*' && current !== undefined) return 'fails';
  if (condition.ifExpiredMs !== undefined) {
    if (current === undefined) return 'missing';
    if (!isExpired(current.swift, condition.ifExpiredMs)) return 'fails';
  }
  if (condition.ifMatch === undefined) return 'holds';
  if (current === undefined) return 'missing';
  return condition.ifMatch === '*' || condition.ifMatch.includes(current.etag) ? 'holds' : 'fails';
}
