/** How many objects a container has, and of how many bytes: exact, as the store's replicas count them. */
import type { Cluster } from '#cluster/cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import type { SpaceId } from '#common/ids.ts';
import { type BucketSummary, decodeBucketSummary } from './bucket-summary.ts';

export type BucketPlace = Pick<BucketSummary, 'bucketId' | 'shards'>;

type Listed = Pick<Cluster, 'listings'>;

export interface Usage {
  readonly objects: number;
  readonly bytes: number;
}

const PAGE_ROWS = 1000;
/** Containers that are asked for at once: each is a request to every shard of it. */
const CONCURRENT_MAX = 8;

export async function containerUsage(cluster: Listed, bucket: BucketPlace): Promise<Usage> {
  const { bucketId: space, shards } = bucket;
  const { objects, bytes } = await cluster.listings.count({
    space,
    kind: recordKinds.object,
    shards,
  });
  return { objects, bytes };
}

/** In the order of the buckets. */
export async function usagesOf(cluster: Listed, buckets: readonly BucketPlace[]): Promise<Usage[]> {
  const usages: Usage[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < buckets.length; at = next++) {
      usages[at] = await containerUsage(cluster, buckets[at] as BucketPlace);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_MAX }, work));
  return usages;
}

export interface AccountUsage extends Usage {
  readonly containers: number;
}

export async function accountUsage(cluster: Listed, account: SpaceId): Promise<AccountUsage> {
  let containers = 0;
  let objects = 0;
  let bytes = 0;
  let after: string | undefined;
  for (;;) {
    const page = await cluster.listings.list({
      space: account,
      kind: recordKinds.bucket,
      shards: 1,
      prefix: '',
      delimiter: '',
      limit: PAGE_ROWS,
      ...(after === undefined ? undefined : { start: { after } }),
    });
    const places: BucketPlace[] = [];
    for (const entry of page.entries) {
      if (entry.type !== 'row') continue;
      places.push(decodeBucketSummary(entry.summary));
      after = entry.name;
    }
    containers += places.length;
    for (const usage of await usagesOf(cluster, places)) {
      objects += usage.objects;
      bytes += usage.bytes;
    }
    if (!page.more) return { containers, objects, bytes };
  }
}
