/** Deletes an object, or one version of it: what DeleteObject and DeleteObjects have in common. */
import type { Cluster } from '#cluster/cluster.ts';
import type { WriteLease } from '#proxy/objects/bucket-access.ts';
import type { Leave } from '#proxy/objects/object-lock.ts';
import { removeObject } from '#proxy/objects/object-store.ts';
import { readVersion, removeVersion } from '#proxy/objects/object-versions.ts';
import { shownVersion, type VersionSelector } from '#proxy/objects/version-id.ts';
import { judgeCondition, type WriteCondition } from '#proxy/objects/write-condition.ts';
import { S3Error } from './errors.ts';

export interface Deleted {
  /** Of the version that was removed, or of the delete marker that was written; undefined without versioning. */
  readonly versionId: string | undefined;
  readonly isDeleteMarker: boolean;
}

/** 'fails' when the condition does. Throws AccessDenied of a version that is locked. */
export async function deleteOne(
  cluster: Cluster,
  lease: WriteLease,
  key: string,
  selector: VersionSelector | undefined,
  condition: WriteCondition | undefined,
  leave: Leave,
): Promise<Deleted | 'fails'> {
  const { versioning } = lease.bucket;
  if (selector === undefined || (selector === 'null' && versioning === undefined)) {
    const outcome = await removeObject(cluster, lease, key, condition);
    if (outcome.outcome !== 'done') return 'fails';
    const { versionId, isDeleteMarker } = outcome;
    return { versionId: versionId ?? selector, isDeleteMarker: isDeleteMarker === true };
  }
  if (condition !== undefined) {
    // A version's ETag never changes: what was read of it holds when it is removed.
    const found = await readVersion(cluster, lease.bucket, key, selector);
    const metadata = found?.type === 'object' ? found.record.metadata : undefined;
    if (judgeCondition(condition, metadata) !== 'holds') return 'fails';
  }
  const removal = await removeVersion(cluster, lease, key, selector, leave);
  if (removal === 'locked')
    throw new S3Error('AccessDenied', 'Access Denied because object protected by object lock.');
  const { removed, isDeleteMarker } = removal;
  return { versionId: removed === undefined ? selector : shownVersion(removed), isDeleteMarker };
}
