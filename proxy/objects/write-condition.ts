/** A condition on what a write replaces, decided inside the register's mutation. */
import type { ObjectMetadata } from './object-record.ts';
import type { VersionStamp } from './version-id.ts';
import { isExpired } from './swift-properties.ts';

export interface WriteCondition {
  /** The object must exist, with one of these ETags (without quotes); `*` for any. */
  readonly ifMatch?: readonly string[] | '*';
  /** No object must exist. */
  readonly ifNoneMatch?: '*';
  /** The object must exist, and its time must be over at this moment, in milliseconds since 1970. */
  readonly ifExpiredMs?: number;
  /** The object must be this version, as it was when it was looked at. */
  readonly ifVersion?: Pick<VersionStamp, 'id' | 'revision'>;
}

export type ConditionVerdict = 'holds' | 'fails' | 'missing';

type Present = Pick<ObjectMetadata, 'etag' | 'swift'> & { readonly version?: VersionStamp };

/** @param nowMs an object whose time is over then is as good as gone, as it is for readers; left out, time does not matter. */
export function judgeCondition(
  condition: WriteCondition,
  found: Present | undefined,
  nowMs?: number,
): ConditionVerdict {
  const byTime = condition.ifExpiredMs === undefined && condition.ifVersion === undefined;
  const isOver = byTime && nowMs !== undefined && isExpired(found?.swift, nowMs);
  const current = isOver ? undefined : found;
  if (condition.ifNoneMatch === '*' && current !== undefined) return 'fails';
  if (condition.ifExpiredMs !== undefined) {
    if (current === undefined) return 'missing';
    if (!isExpired(current.swift, condition.ifExpiredMs)) return 'fails';
  }
  const { ifVersion } = condition;
  if (ifVersion !== undefined) {
    if (current === undefined) return 'missing';
    const { version } = current;
    if (version?.id !== ifVersion.id || version.revision !== ifVersion.revision) return 'fails';
  }
  if (condition.ifMatch === undefined) return 'holds';
  if (current === undefined) return 'missing';
  return condition.ifMatch === '*' || condition.ifMatch.includes(current.etag) ? 'holds' : 'fails';
}
