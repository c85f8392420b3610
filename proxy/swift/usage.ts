/** How many objects a container has, and of how many bytes: exact, as the store counts them. */
import { recordKinds } from '#common/codec/record-key.ts';
import type { SpaceId } from '#common/ids.ts';
import { decodeObjectSummary } from '#proxy/objects/object-summary.ts';
import type { BucketPlace } from '#proxy/objects/bucket-access.ts';
import { decodeBucket, bucketKey } from '#proxy/buckets/bucket-record.ts';
import type { SwiftContext } from './context.ts';

export interface Usage {
  readonly objects: number;
  readonly bytes: number;
}

const PAGE = 10_000;

export async function containerUsage(context: SwiftContext, bucket: BucketPlace): Promise<Usage> {
  let objects = 0;
  let bytes = 0;
  for await (const entry of everyRow(context, bucket.bucketId, recordKinds.object, bucket.shards)) {
    const { isDeleteMarker, sizeBytes } = decodeObjectSummary(entry.summary);
    if (isDeleteMarker) continue;
    objects += 1;
    bytes += sizeBytes;
  }
  return { objects, bytes };
}

export interface AccountUsage extends Usage {
  readonly containers: number;
}

export async function accountUsage(context: SwiftContext, account: SpaceId): Promise<AccountUsage> {
  let containers = 0;
  let objects = 0;
  let bytes = 0;
  for await (const entry of everyRow(context, account, recordKinds.bucket, 1)) {
    const stored = await context.cluster.records.read(bucketKey(account, entry.name));
    if (stored === undefined) continue;
    const usage = await containerUsage(context, decodeBucket(stored.content));
    containers += 1;
    objects += usage.objects;
    bytes += usage.bytes;
  }
  return { containers, objects, bytes };
}

async function* everyRow(
  context: SwiftContext,
  space: SpaceId,
  kind: (typeof recordKinds)[keyof typeof recordKinds],
  shards: number,
): AsyncGenerator<{ readonly name: string; readonly summary: Buffer }> {
  let after: string | undefined;
  for (;;) {
    const page = await context.cluster.listings.list({
      space,
      kind,
      shards,
      prefix: '',
      delimiter: '',
      limit: PAGE,
      ...(after === undefined ? undefined : { start: { after } }),
    });
    for (const entry of page.entries) {
      if (entry.type !== 'row') continue;
      yield entry;
      after = entry.name;
    }
    if (!page.more) return;
  }
}
