/** Removes the uploads, parts and left-over versions of a bucket that holds no object and takes no more writes. */
import type { Cluster, ListingEntry } from '#cluster/cluster.ts';
import { type RecordKind, recordKey, recordKinds } from '#common/codec/record-key.ts';
import type { BucketPlace } from './bucket-access.ts';
import { indexShard } from './index-shard.ts';
import { decodePart } from './part-record.ts';
import { decodeUpload, isBeingCompleted, splitUploadName, uploadTimeMs } from './upload-record.ts';
import { asVersionId, versionTimeMs } from './version-id.ts';

const PAGE_ROWS = 1000;
const CONCURRENT = 32;
const UPLOAD_ID_DIGITS = 32;

/** When the bucket was closed to writers, and now: milliseconds since 1970. */
export interface Emptying {
  readonly closedMs: number;
  readonly nowMs: number;
}

/**
 * Whoever wants the bucket back may have it meanwhile: so what is newer than the closing stays, and an upload that is being completed
 * keeps its parts. False when there is such a one: the bucket is about to hold an object.
 */
export async function emptyUploads(
  cluster: Cluster,
  bucket: BucketPlace,
  { closedMs, nowMs }: Emptying,
): Promise<boolean> {
  let isCompleting = false;
  await eachName(cluster, bucket, recordKinds.upload, async (name) => {
    const { key: object, uploadId } = splitUploadName(name);
    if (uploadTimeMs(uploadId) > closedMs) return;
    const key = recordKey(bucket.bucketId, recordKinds.upload, indexShard(object, bucket.shards), name);
    const isLeft = await cluster.records.mutate(key, (current) => {
      const isBusy = current !== undefined && isBeingCompleted(decodeUpload(current.content), nowMs);
      return { action: isBusy ? 'keep' : 'remove', result: isBusy };
    });
    if (isLeft) isCompleting = true;
  });
  if (isCompleting) return false;
  await eachName(cluster, bucket, recordKinds.part, async (name) => {
    const uploadId = name.slice(0, UPLOAD_ID_DIGITS);
    if (uploadTimeMs(uploadId) > closedMs) return;
    const key = recordKey(bucket.bucketId, recordKinds.part, indexShard(uploadId, bucket.shards), name);
    const stripes = await cluster.records.mutate(key, (current) => ({
      action: 'remove',
      result: current === undefined ? [] : (decodePart(current.content).stripes ?? []),
    }));
    cluster.bodies.release(stripes);
  });
  await eachName(cluster, bucket, recordKinds.version, async (name) => {
    const end = name.lastIndexOf('\u0000');
    if (versionTimeMs(asVersionId(name.slice(end + 1))) > closedMs) return;
    const key = recordKey(
      bucket.bucketId,
      recordKinds.version,
      indexShard(name.slice(0, end), bucket.shards),
      name,
    );
    // Its stripes are not its own: the version that it is a copy of has been deleted, and they with it.
    await cluster.records.mutate(key, () => ({ action: 'remove', result: undefined }));
  });
  return true;
}

async function eachName(
  cluster: Cluster,
  bucket: BucketPlace,
  kind: RecordKind,
  remove: (name: string) => Promise<void>,
): Promise<void> {
  const names = (entries: readonly ListingEntry[]) =>
    entries.flatMap((entry) => (entry.type === 'row' ? [entry.name] : []));
  let after = '';
  for (;;) {
    const page = await cluster.listings.list({
      space: bucket.bucketId,
      kind,
      shards: bucket.shards,
      prefix: '',
      delimiter: '',
      limit: PAGE_ROWS,
      start: { after },
    });
    const found = names(page.entries);
    for (let at = 0; at < found.length; at += CONCURRENT) {
      await Promise.all(found.slice(at, at + CONCURRENT).map(remove));
    }
    after = found.at(-1) ?? after;
    if (!page.more) return;
  }
}
