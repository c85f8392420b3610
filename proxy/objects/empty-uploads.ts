/** Removes every upload, every part and every left-over version of a bucket that holds no object and takes no more writes. */
import type { Cluster, ListingEntry } from '#cluster/cluster.ts';
import { type RecordKind, recordKey, recordKinds } from '#common/codec/record-key.ts';
import type { BucketPlace } from './bucket-access.ts';
import { indexShard } from './index-shard.ts';
import { decodePart } from './part-record.ts';
import { splitUploadName } from './upload-record.ts';

const PAGE_ROWS = 1000;
const CONCURRENT = 32;
const UPLOAD_ID_DIGITS = 32;

export async function emptyUploads(cluster: Cluster, bucket: BucketPlace): Promise<void> {
  await eachName(cluster, bucket, recordKinds.upload, async (name) => {
    const shard = indexShard(splitUploadName(name).key, bucket.shards);
    const key = recordKey(bucket.bucketId, recordKinds.upload, shard, name);
    await cluster.records.mutate(key, () => ({ action: 'remove', result: undefined }));
  });
  await eachName(cluster, bucket, recordKinds.part, async (name) => {
    const shard = indexShard(name.slice(0, UPLOAD_ID_DIGITS), bucket.shards);
    const key = recordKey(bucket.bucketId, recordKinds.part, shard, name);
    const stripes = await cluster.records.mutate(key, (current) => ({
      action: 'remove',
      result: current === undefined ? [] : (decodePart(current.content).stripes ?? []),
    }));
    cluster.bodies.release(stripes);
  });
  await eachName(cluster, bucket, recordKinds.version, async (name) => {
    const shard = indexShard(name.slice(0, name.lastIndexOf('\u0000')), bucket.shards);
    const key = recordKey(bucket.bucketId, recordKinds.version, shard, name);
    // Its stripes are not its own: the version that it is a copy of has been deleted, and they with it.
    await cluster.records.mutate(key, () => ({ action: 'remove', result: undefined }));
  });
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
