/** GET of a container: its objects (Object Storage API reference, "Show container details and list objects"). */
import type { ListingEntry } from '#cluster/cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { holdsObject } from '#proxy/objects/list-objects.ts';
import {
  decodeListedSummary,
  isDeleteMarker,
  listedContentType,
  listedEtag,
} from '#proxy/objects/object-summary.ts';
import { containerHeaders } from '../container-headers.ts';
import { currentContainer } from '../container-of.ts';
import type { SwiftContext } from '../context.ts';
import { swiftLimits } from '../limits.ts';
import { listNames, type ShownEntries } from '../listing/list-names.ts';
import { parseNameQuery } from '../listing/listing-query.ts';
import { type ListedItem, sendListing } from '../listing/listing-text.ts';
import { listingTypeOf } from '../listing/listing-type.ts';
import { utf8Of } from '../query.ts';
import type { Operation } from '../request.ts';
import { listingTime } from '../timestamps.ts';

export const getContainer: Operation = async (request, context) => {
  const permitted = await currentContainer(request, context);
  const { bucket } = permitted;
  const type = listingTypeOf(request);
  const query = parseNameQuery(request.query, swiftLimits.container_listing_limit);
  const place = { space: bucket.bucketId, kind: recordKinds.object, shards: bucket.shards };
  const [headers, entries] = await Promise.all([
    containerHeaders(context, bucket, permitted),
    listNames(context.cluster, place, query, shownOf(context, bucket)),
  ]);
  const elements = {
    root: 'container',
    item: 'object',
    name: request.container,
    subdirHasName: true,
  } as const;
  const items = type === 'text/plain' ? namesOf(entries) : itemsOf(entries);
  sendListing(request, headers, items, elements);
};

function* namesOf(entries: readonly ListingEntry[]): Iterable<ListedItem> {
  for (const entry of entries) {
    yield entry.type === 'prefix' ? { subdir: entry.prefix } : { name: entry.name };
  }
}

/** One at a time: ten thousand at once would take ten megabytes. */
function* itemsOf(entries: readonly ListingEntry[]): Iterable<ListedItem> {
  for (const entry of entries) yield listed(entry);
}

/** A fold that holds nothing but delete markers is no more in a listing than they are. */
function shownOf(context: SwiftContext, bucket: BucketRecord): ShownEntries {
  const row = ({ summary }: { readonly summary: Buffer }) => !isDeleteMarker(summary);
  if (bucket.versioning === undefined) return { row };
  return { row, fold: (prefix) => holdsObject(context.cluster, bucket, prefix) };
}

function listed(entry: ListingEntry): ListedItem {
  if (entry.type === 'prefix') return { subdir: entry.prefix };
  const { etag: stored, sizeBytes, modifiedMs } = decodeListedSummary(entry.summary);
  const contentType = listedContentType(entry.summary);
  const { etag, manifestEtag } = listedEtag(stored);
  return {
    name: entry.name,
    hash: manifestEtag ?? etag,
    bytes: sizeBytes,
    // Headers are kept byte for byte, as Latin-1.
    content_type: utf8Of(contentType) ?? contentType,
    last_modified: listingTime(modifiedMs),
    ...(manifestEtag === undefined ? undefined : { slo_etag: `"${etag}"` }),
  };
}
