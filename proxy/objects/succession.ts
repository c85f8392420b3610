/**
 * What becomes of a key's versions when one of them goes or another takes its place: pure, and decided inside the
 * register's mutation, so that every step is one (Amazon S3 User Guide, "Working with objects in a versioning-enabled
 * bucket", "… in a versioning-suspended bucket").
 */
import type { StoredRecord } from '#cluster/cluster.ts';
import type { Ballot } from '#common/ballot.ts';
import type { BucketPlace } from './bucket-access.ts';
import { asOlderVersion, headOf, olderOf, type RecordHead } from './object-record.ts';
import type { OlderVersion } from './older-versions.ts';
import { versionIdOf, type VersionStamp } from './version-id.ts';

export interface Succession {
  /** The version that takes the current one's place. */
  readonly stamp: VersionStamp;
  /** What stands behind it. */
  readonly older: readonly OlderVersion[];
  /** The current version goes behind the new one: its record must have been saved first, unless it is a delete marker. */
  readonly displaced: RecordHead | undefined;
  /** The current version is gone: it was the null version, and the new one is. */
  readonly replaced: boolean;
  /** A version behind the current one that is gone for the same reason. */
  readonly dropped: OlderVersion | undefined;
}

export function succeed(
  versioning: BucketPlace['versioning'],
  current: StoredRecord | undefined,
  ballot: Ballot,
): Succession {
  const isNull = versioning !== 'enabled';
  const stamp = { id: versionIdOf(ballot), isNull, revision: 0 };
  if (current === undefined) {
    return { stamp, older: [], displaced: undefined, replaced: false, dropped: undefined };
  }
  const head = headOf(current);
  const behind = head.hasOlder ? olderOf(current) : [];
  if (isNull && head.isNull) {
    return { stamp, older: behind, displaced: undefined, replaced: true, dropped: undefined };
  }
  const dropped = isNull ? behind.find((version) => version.isNull) : undefined;
  const kept = dropped === undefined ? behind : behind.filter((version) => version !== dropped);
  const older = [asOlderVersion(current), ...kept];
  return { stamp, older, displaced: head, replaced: false, dropped };
}
