/** GET of an account: its containers (Object Storage API reference, "Show account details and list containers"). */
import type { ListingEntry } from '#cluster/cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import { decodeBucketSummary } from '#control/protocol/bucket-summary.ts';
import { accountHeaders } from '../account-headers.ts';
import { ACCOUNT_PREFIX } from '../auth/caller.ts';
import type { SwiftContext } from '../context.ts';
import { swiftLimits } from '../limits.ts';
import { listNames } from '../listing/list-names.ts';
import { parseNameQuery } from '../listing/listing-query.ts';
import { type ListedItem, sendListing } from '../listing/listing-text.ts';
import { listingTypeOf } from '../listing/listing-type.ts';
import { permit } from '../permission.ts';
import type { Operation } from '../request.ts';
import { listingTime } from '../timestamps.ts';
import { usagesOf } from '#control/protocol/account-usage.ts';

export const getAccount: Operation = async (request, context) => {
  const permission = await permit(request, context, { scope: 'account' });
  const { account } = request;
  const type = listingTypeOf(request);
  const query = parseNameQuery(request.query, swiftLimits.account_listing_limit);
  const place = { space: account.id, kind: recordKinds.bucket, shards: 1 };
  const [headers, entries] = await Promise.all([
    accountHeaders(context, account, permission),
    listNames(context.cluster, place, query),
  ]);
  const items = type === 'text/plain' ? entries.map(named) : await listed(context, entries);
  const elements = {
    root: 'account',
    item: 'container',
    name: ACCOUNT_PREFIX + account.name,
    subdirHasName: false,
  } as const;
  sendListing(request, headers, items, elements);
};

function named(entry: ListingEntry): ListedItem {
  return entry.type === 'prefix' ? { subdir: entry.prefix } : { name: entry.name };
}

async function listed(context: SwiftContext, entries: readonly ListingEntry[]): Promise<ListedItem[]> {
  const places = entries.flatMap((entry) =>
    entry.type === 'row' ? [decodeBucketSummary(entry.summary)] : [],
  );
  const usages = (await usagesOf(context.cluster, places))[Symbol.iterator]();
  return entries.map((entry) => {
    if (entry.type === 'prefix') return { subdir: entry.prefix };
    const { modifiedMs } = decodeBucketSummary(entry.summary);
    const { objects = 0, bytes = 0 } = usages.next().value ?? {};
    const last_modified = listingTime(modifiedMs);
    return { name: entry.name, count: objects, bytes, last_modified };
  });
}
