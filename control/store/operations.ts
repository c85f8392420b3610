/** What most callers do with a store, in one word each. */
import { setImmediate } from 'node:timers/promises';
import { HoldfastError } from '#common/errors.ts';
import { after, type KeyRange, single } from './key-range.ts';
import type { Comparison, Entry, LeaseId, Operation, Store } from './store.ts';

/** Entries read at once where a whole range is read. */
const PAGE_ENTRIES = 1000;
/** Times that an update begins anew when others change what it read. */
const UPDATE_ATTEMPTS_MAX = 64;

export function put(key: string, value: Buffer, lease?: LeaseId): Operation {
  return { kind: 'put', key, value, lease };
}

export function remove(key: string): Operation {
  return { kind: 'delete', range: single(key) };
}

export function read(range: KeyRange, limit?: number): Operation {
  return limit === undefined ? { kind: 'range', range } : { kind: 'range', range, limit };
}

/** Holds while there is no such key. */
export function isAbsent(key: string): Comparison {
  return { key, target: 'version', is: '=', to: 0 };
}

export function isPresent(key: string): Comparison {
  return { key, target: 'version', is: '>', to: 0 };
}

/** Holds while the entry is as it was read. */
export function isUnchanged({ key, modRevision }: Pick<Entry, 'key' | 'modRevision'>): Comparison {
  return { key, target: 'modRevision', is: '=', to: modRevision };
}

/** Holds while `key` is as it was read, be it there or not. */
export function isAsRead(key: string, entry: Pick<Entry, 'modRevision'> | undefined): Comparison {
  return entry === undefined ? isAbsent(key) : isUnchanged({ key, modRevision: entry.modRevision });
}

export async function getEntry(store: Store, key: string): Promise<Entry | undefined> {
  return (await store.range(single(key))).entries[0];
}

/** All entries of a range, as they were at one revision, a page at a time. */
export async function* entriesOf(store: Store, range: KeyRange, revision?: number): AsyncGenerator<Entry> {
  let rest = range;
  let at = revision;
  for (;;) {
    const page = await store.range(rest, {
      limit: PAGE_ENTRIES,
      ...(at === undefined ? {} : { revision: at }),
    });
    at = page.revision;
    yield* page.entries;
    const last = page.entries.at(-1);
    if (last === undefined || !page.more) return;
    rest = after(last.key, range);
    // A store in memory answers at once: the others have their turn between two pages.
    await setImmediate();
  }
}

/**
 * Reads a key and replaces it by what `change` makes of it, in a transaction that holds only if nobody changed it
 * meanwhile; else again. `change` gives the new value, or undefined to leave everything as it is.
 * @returns the value that stands.
 */
export async function update(
  store: Store,
  key: string,
  change: (entry: Entry | undefined) => Buffer | undefined,
): Promise<Buffer | undefined> {
  for (let attempt = 1; attempt <= UPDATE_ATTEMPTS_MAX; attempt += 1) {
    const entry = await getEntry(store, key);
    const value = change(entry);
    if (value === undefined) return entry?.value;
    const { succeeded } = await store.transact({ compare: [isAsRead(key, entry)], then: [put(key, value)] });
    if (succeeded) return value;
  }
  throw new HoldfastError('overloaded', `${key} is changed by too many at once`);
}
