/** What a listing's page claims about the records of its range, and whether the history allows it. */
import type { ListingPage, ListingQuery } from '#cluster/cluster.ts';
import { isLinearizable } from '../linearizability.ts';
import type { Operation, Value } from '../operation.ts';

/** A listing that has ended, as one operation of its client. */
export interface ListingRun {
  readonly number: number;
  readonly client: string;
  readonly query: ListingQuery;
  readonly page: ListingPage;
  readonly invokedAt: number;
  readonly invokedMs: number;
  readonly answeredAt: number;
  readonly answeredMs: number;
}

/** What a page says of one name, or of all the names that are folded together. */
export type Claim =
  | { readonly type: 'value'; readonly name: string; readonly value: Value }
  | { readonly type: 'fold'; readonly prefix: string; readonly names: readonly string[] };

/** @param names every name that there can be. Throws when the page is not a page of such names in their order. */
export function claimsOf(run: ListingRun, names: readonly string[]): Claim[] {
  const { query, page } = run;
  const shown = new Map<string, string | undefined>();
  let last = '';
  for (const entry of page.entries) {
    const name = entry.type === 'row' ? entry.name : entry.prefix;
    if (shown.size > 0 && !(last < name)) throw new Error(`'${name}' is listed behind '${last}'`);
    shown.set(name, entry.type === 'row' ? entry.summary.toString() : undefined);
    last = name;
  }
  if (page.entries.length > query.limit) throw new Error('more entries than the limit');
  if (page.more && page.entries.length < query.limit) throw new Error('a short page that is not the last');
  const claims: Claim[] = [];
  const folds = new Map<string, string[]>();
  for (const name of names) {
    if (!isInRange(query, name)) continue;
    const fold = foldOf(query, name);
    if (page.more && (fold ?? name) > last) continue;
    if (fold !== undefined && shown.has(fold)) folds.set(fold, [...(folds.get(fold) ?? []), name]);
    else claims.push({ type: 'value', name, value: shown.get(name) });
  }
  for (const [prefix, under] of folds) claims.push({ type: 'fold', prefix, names: under });
  const claimed = new Set(claims.map((claim) => (claim.type === 'value' ? claim.name : claim.prefix)));
  for (const name of shown.keys())
    if (!claimed.has(name)) throw new Error(`nothing can be listed as '${name}'`);
  return claims;
}

function isInRange({ prefix, start }: ListingQuery, name: string): boolean {
  if (!name.startsWith(prefix)) return false;
  if (start === undefined) return true;
  if ('from' in start) return name >= start.from;
  if ('after' in start) return name > start.after;
  return name > start.afterPrefix && !name.startsWith(start.afterPrefix);
}

function foldOf({ prefix, delimiter }: ListingQuery, name: string): string | undefined {
  if (delimiter === '') return undefined;
  const at = name.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : name.slice(0, at + delimiter.length);
}

/** What was seen of one name during a listing, as a read of it. */
export function asRead(run: ListingRun, key: string, found: Value): Operation {
  const { number, client, invokedAt, invokedMs, answeredAt, answeredMs } = run;
  const times = { invokedAt, invokedMs, answeredAt, answeredMs };
  const outcome = { found, applied: false };
  return {
    number,
    client,
    key,
    action: { type: 'read' },
    ...times,
    outcome,
    failure: undefined,
    withoutEffect: false,
  };
}

/** Whether one of the folded names can have held anything at some moment of the listing. */
export function canStand(
  run: ListingRun,
  names: readonly string[],
  operations: ReadonlyMap<string, readonly Operation[]>,
): boolean {
  return names.some((name) => {
    const ofName = operations.get(name) ?? [];
    return ofName.some(
      ({ action }) => 'value' in action && isLinearizable([...ofName, asRead(run, name, action.value)]),
    );
  });
}
