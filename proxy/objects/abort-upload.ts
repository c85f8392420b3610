/** Gives an upload up: docs/formats/upload-record.md, "Order of steps". */
import type { Cluster } from '#cluster/cluster.ts';
import type { BlobId } from '#common/ids.ts';
import type { BucketPlace } from './bucket-access.ts';
import { readLayout } from './object-body.ts';
import { readVersionOfUpload } from './object-versions.ts';
import { removeParts } from './remove-parts.ts';
import { decodeUpload, isBeingCompleted } from './upload-record.ts';
import { uploadKey } from './upload-store.ts';

export type AbortOutcome = 'done' | 'missing' | 'completing';

export async function abortUpload(
  cluster: Cluster,
  bucket: BucketPlace,
  key: string,
  uploadId: string,
  nowMs: number,
): Promise<AbortOutcome> {
  const outcome = await cluster.records.mutate<AbortOutcome>(uploadKey(bucket, key, uploadId), (current) => {
    if (current === undefined) return { action: 'keep', result: 'missing' };
    return isBeingCompleted(decodeUpload(current.content), nowMs)
      ? { action: 'keep', result: 'completing' }
      : { action: 'remove', result: 'done' };
  });
  if (outcome === 'done') {
    await removeParts(cluster, bucket, uploadId, await stripesOfCompleted(cluster, bucket, key, uploadId));
  }
  return outcome;
}

/** The stripes that the version of the object under `key` refers to, when this upload made it. */
export async function stripesOfCompleted(
  cluster: Cluster,
  bucket: BucketPlace,
  key: string,
  uploadId: string,
): Promise<ReadonlySet<BlobId>> {
  const object = await readVersionOfUpload(cluster, bucket, key, uploadId);
  if (object === undefined) return new Set();
  const layout = await readLayout(cluster.bodies, object);
  return new Set(layout.stripes.map((stripe) => stripe.id));
}
