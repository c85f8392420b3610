/** The segments of a dynamic large object: whatever its prefix names now. */
import type { Cluster, ListingStart } from '#cluster/cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import type { BucketPlace } from '#proxy/objects/bucket-access.ts';
import { decodeListedSummary, ownEtag } from '#proxy/objects/object-summary.ts';

const PAGE = 10_000;
export const SEGMENTS_MAX = 100_000;

export interface ListedSegment {
  readonly name: string;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
}

export async function listSegments(
  cluster: Cluster,
  place: BucketPlace,
  prefix: string,
): Promise<ListedSegment[]> {
  const segments: ListedSegment[] = [];
  let start: ListingStart | undefined;
  for (;;) {
    const page = await cluster.listings.list({
      space: place.bucketId,
      kind: recordKinds.object,
      shards: place.shards,
      prefix,
      delimiter: '',
      limit: PAGE,
      ...(start === undefined ? {} : { start }),
    });
    for (const entry of page.entries) {
      if (entry.type !== 'row') continue;
      start = { after: entry.name };
      const { isDeleteMarker, sizeBytes, etag } = decodeListedSummary(entry.summary);
      if (!isDeleteMarker) segments.push({ name: entry.name, sizeBytes, etag: ownEtag(etag) });
    }
    if (segments.length > SEGMENTS_MAX)
      throw new HoldfastError('overloaded', 'a large object of too many segments');
    if (!page.more || start === undefined) return segments;
  }
}
