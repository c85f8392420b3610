/**
 * Gives back the stripes of versions that are gone. What is left of the upload that made one goes first, so that a
 * completion which is repeated cannot refer to stripes that are gone. A failure leaves the stripes to the sweep: the
 * write itself has taken effect.
 */
import type { Cluster, StoredRecord } from '#cluster/cluster.ts';
import type { BucketPlace } from './bucket-access.ts';
import { releaseBody } from './object-body.ts';
import { decodeCurrent, headOf, isInline } from './object-record.ts';
import type { OlderVersion } from './older-versions.ts';
import { removeIdleUpload } from './upload-store.ts';
import { removeVersionRecord } from './version-store.ts';

/** Of a version that was current. */
export async function releaseCurrent(
  cluster: Cluster,
  bucket: BucketPlace,
  name: string,
  stored: StoredRecord,
): Promise<void> {
  try {
    // A version that was current before, and became so again, has a record of its own left.
    if (bucket.versioning !== undefined) {
      await removeVersionRecord(cluster, bucket, name, headOf(stored).id);
    }
    if (!isInline(stored)) await releaseStripes(cluster, bucket, name, stored);
  } catch {
    // Stripes that nothing refers to are found by the sweep, which asks the record that owns them.
  }
}

/** Of a version that was behind the current one. */
export async function releaseOlder(
  cluster: Cluster,
  bucket: BucketPlace,
  name: string,
  version: OlderVersion,
): Promise<void> {
  if (version.isDeleteMarker) return;
  try {
    const stored = await removeVersionRecord(cluster, bucket, name, version.id);
    if (stored !== undefined && !isInline(stored)) await releaseStripes(cluster, bucket, name, stored);
  } catch {
    // As above.
  }
}

async function releaseStripes(
  cluster: Cluster,
  bucket: BucketPlace,
  name: string,
  stored: StoredRecord,
): Promise<void> {
  const object = decodeCurrent(stored);
  if (object === undefined) return;
  const { uploadId } = object.metadata;
  // Of one that is being completed once more the sweep has the stripes, when nothing came of it.
  if (uploadId !== undefined && !(await removeIdleUpload(cluster, bucket, name, uploadId))) return;
  await releaseBody(cluster.bodies, object);
}
