/** Removes the parts of an upload that has come to its end, and gives back the stripes that no object took over. */
import type { Cluster } from '#cluster/cluster.ts';
import type { BlobId } from '#common/ids.ts';
import type { BucketPlace } from './bucket-access.ts';
import { decodePart } from './part-record.ts';
import { listParts, partKey } from './upload-store.ts';

const PAGE_ROWS = 1000;
const CONCURRENT = 32;

/** @param kept the stripes that the completed object refers to. */
export async function removeParts(
  cluster: Cluster,
  bucket: BucketPlace,
  uploadId: string,
  kept: ReadonlySet<BlobId>,
): Promise<void> {
  let after = 0;
  for (;;) {
    const page = await listParts(cluster, bucket, uploadId, after, PAGE_ROWS);
    for (let at = 0; at < page.parts.length; at += CONCURRENT) {
      const some = page.parts.slice(at, at + CONCURRENT);
      await Promise.all(some.map((part) => removePart(cluster, bucket, uploadId, part.number, kept)));
    }
    after = page.parts.at(-1)?.number ?? after;
    if (!page.more) return;
  }
}

async function removePart(
  cluster: Cluster,
  bucket: BucketPlace,
  uploadId: string,
  number: number,
  kept: ReadonlySet<BlobId>,
): Promise<void> {
  const removed = await cluster.records.mutate(partKey(bucket, uploadId, number), (current) => ({
    action: 'remove',
    result: current === undefined ? [] : (decodePart(current.content).stripes ?? []),
  }));
  cluster.bodies.release(removed.filter((stripe) => !kept.has(stripe.id)));
}
