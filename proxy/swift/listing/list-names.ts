/** Walks a space's rows as Swift lists them: between two names, folded at a delimiter, in either direction. */
import type { Cluster, ListingEntry, ListingQuery, ListingStart } from '#cluster/cluster.ts';
import type { NameQuery } from './listing-query.ts';

const NAME_BYTES_MAX = 1024;
const PAGE_ENTRIES = 1000;

export type RowPlace = Pick<ListingQuery, 'space' | 'kind' | 'shards'>;

/** What of the rows and folds is in the listing; all of them when left out. */
export interface ShownEntries {
  readonly row?: (row: ListedRow) => boolean;
  readonly fold?: ((prefix: string) => Promise<boolean>) | undefined;
}

type ListedRow = ListingEntry & { readonly type: 'row' };

/** @returns at most `query.limit` entries, in the order that was asked for. */
export async function listNames(
  cluster: Cluster,
  place: RowPlace,
  query: NameQuery,
  shown: ShownEntries = {},
): Promise<ListingEntry[]> {
  const { limit, reverse } = query;
  const entries: ListingEntry[] = [];
  if (limit === 0 || Buffer.byteLength(query.prefix) > NAME_BYTES_MAX) return entries;
  for await (const page of walk(cluster, place, query)) {
    for (const entry of page) {
      if (entry.type === 'row' ? shown.row?.(entry) === false : (await shown.fold?.(entry.prefix)) === false)
        continue;
      entries.push(entry);
      if (!reverse && entries.length === limit) return entries;
      // The rows are in order one way only: of a walk to the end, the last ones are kept.
      if (reverse && entries.length >= 2 * limit + PAGE_ENTRIES) entries.splice(0, entries.length - limit);
    }
  }
  return reverse ? entries.slice(-limit).reverse() : entries;
}

/** In the order of the names' bytes; a page at a time, because a turn for every entry would cost more than the entry. */
async function* walk(
  cluster: Cluster,
  place: RowPlace,
  query: NameQuery,
): AsyncGenerator<readonly ListingEntry[]> {
  const { prefix, delimiter, below, onlyDirect } = query;
  const belowBytes = Buffer.from(below);
  /** Whether every entry is in the listing as it is. */
  const isPlain = below === '' && !onlyDirect;
  let start = startOf(query);
  const limit = query.reverse ? PAGE_ENTRIES : Math.min(PAGE_ENTRIES, query.limit + 1);
  for (;;) {
    const page = await cluster.listings.list({
      ...place,
      prefix,
      delimiter,
      limit,
      ...(start === undefined ? undefined : { start }),
    });
    const last = page.entries.at(-1);
    if (last !== undefined) start = last.type === 'row' ? { after: last.name } : { afterPrefix: last.prefix };
    if (isPlain) {
      yield page.entries;
      if (!page.more) return;
      continue;
    }
    const within: ListingEntry[] = [];
    for (const entry of page.entries) {
      const name = entry.type === 'row' ? entry.name : entry.prefix;
      if (below !== '' && Buffer.compare(Buffer.from(name), belowBytes) >= 0) return yield within;
      if (entry.type === 'prefix' && (onlyDirect || below.startsWith(name))) {
        // Whether something in the fold is before the end, or is the fold's own name, only its first row tells.
        const row = await firstOf(cluster, place, query, name);
        if (row === undefined) continue;
        if (below !== '' && Buffer.compare(Buffer.from(row.name), belowBytes) >= 0) return yield within;
        if (!onlyDirect) within.push(entry);
        else if (row.name === name) within.push(row);
      } else if (!onlyDirect || name !== prefix) within.push(entry);
    }
    yield within;
    if (!page.more) return;
  }
}

/** A marker that is a fold's own name stands for all of the fold: the page before ended with it. */
function startOf({ prefix, delimiter, above }: NameQuery): ListingStart | undefined {
  if (above === '') return undefined;
  if (delimiter !== '' && above.startsWith(prefix)) {
    const at = above.indexOf(delimiter, prefix.length);
    if (at >= 0 && at + delimiter.length === above.length) return { afterPrefix: above };
  }
  return { after: above };
}

async function firstOf(
  cluster: Cluster,
  place: RowPlace,
  { above }: NameQuery,
  prefix: string,
): Promise<ListedRow | undefined> {
  const page = await cluster.listings.list({
    ...place,
    prefix,
    delimiter: '',
    limit: 1,
    ...(above === '' ? undefined : { start: { after: above } }),
  });
  const [first] = page.entries;
  return first?.type === 'row' ? first : undefined;
}
