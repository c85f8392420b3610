/** What every store does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { everything, prefixed, single } from './key-range.ts';
import {
  entriesOf,
  getEntry,
  isAbsent,
  isPresent,
  isUnchanged,
  put,
  read,
  remove,
  update,
} from './operations.ts';
import type { Entry, LeaseId, RangeResult, Store, Transaction, Watch, WatchEvent } from './store.ts';

export interface StoreUnderTest {
  /** Empty. */
  readonly store: Store;
  /** Lets time pass for the store's leases. */
  readonly passSeconds: (seconds: number) => Promise<void>;
  readonly remove: () => Promise<void>;
}

export interface StoreFactory {
  readonly name: string;
  readonly make: () => Promise<StoreUnderTest>;
}

const bytes = (text: string): Buffer => Buffer.from(text);
const shown = ({ entries }: RangeResult): string =>
  entries.map(({ key, value }) => `${key}=${value.toString()}`).join(' ');

async function set(store: Store, key: string, text: string, lease?: LeaseId): Promise<number> {
  return (await store.transact({ then: [put(key, bytes(text), lease)] })).revision;
}

/** Entries as one transaction reads them. */
function firstRange(results: readonly { kind: string }[]): RangeResult {
  const found = results.find((result): result is { kind: 'range' } & RangeResult => result.kind === 'range');
  assert.ok(found);
  return found;
}

const eventText = (event: WatchEvent): string =>
  event.kind === 'put' ? `${event.entry.key}=${event.entry.value.toString()}` : `-${event.key}`;

/** Batches until there are `count` events, each as `revision: events`, those of one revision in order of their text. */
async function watched(watch: Watch, count: number): Promise<string[]> {
  const found = new Map<number, string[]>();
  let seen = 0;
  if (count > 0)
    for await (const batch of watch) {
      for (const event of batch.events) {
        const revision = event.kind === 'put' ? event.entry.modRevision : event.modRevision;
        assert.ok(revision <= batch.revision);
        found.set(revision, [...(found.get(revision) ?? []), eventText(event)]);
        seen += 1;
      }
      if (seen >= count) break;
    }
  watch.close();
  const revisions = [...found.keys()];
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
  );
  return [...found.values()].map((events) => events.toSorted().join(' '));
}

const code =
  (wanted: Parameters<typeof hasCode>[1]) =>
  (error: unknown): boolean => {
    assert.ok(hasCode(error, wanted), String(error));
    return true;
  };

export function storeCompliance(factory: StoreFactory): void {
  const story = (title: string, run: (world: StoreUnderTest) => Promise<void>): void => {
    test(`${factory.name} store: ${title}`, { timeout: 60_000 }, async () => {
      const world = await factory.make();
      try {
        await run(world);
      } finally {
        await world.remove();
      }
    });
  };

  story(
    'a key has a revision for its making and one for its last change, and counts its puts',
    async ({ store }) => {
      const first = await set(store, 'a', 'one');
      const other = await set(store, 'b', 'x');
      const second = await set(store, 'a', 'two');
      assert.deepEqual([other, second], [first + 1, first + 2]);
      const entry = await getEntry(store, 'a');
      assert.deepEqual(
        [entry?.value.toString(), entry?.createRevision, entry?.modRevision, entry?.version, entry?.lease],
        ['two', first, second, 2, undefined],
      );
      const gone = await store.transact({ then: [remove('a')] });
      assert.deepEqual([gone.revision, gone.results], [second + 1, [{ kind: 'delete', deleted: 1 }]]);
      assert.equal(await getEntry(store, 'a'), undefined);
      const again = await set(store, 'a', 'three');
      const made = await getEntry(store, 'a');
      assert.deepEqual([made?.createRevision, made?.version], [again, 1]);
    },
  );

  story('a value is any bytes, none and a mebibyte among them', async ({ store }) => {
    const values = [Buffer.alloc(0), Buffer.from([0, 255, 0, 10, 13]), Buffer.alloc(1024 * 1024, 7)];
    for (const value of values) {
      await store.transact({ then: [put('k', value)] });
      assert.ok((await getEntry(store, 'k'))?.value.equals(value));
    }
  });

  story('ranges are in the order of bytes, by prefix, between keys, and limited', async ({ store }) => {
    for (const key of ['b/2', 'b', 'B', 'b/10', 'c', 'b0', '~', '!', 'b/~']) await set(store, key, '');
    const keys = async (...args: Parameters<Store['range']>): Promise<string> =>
      (await store.range(...args)).entries.map(({ key }) => key).join(' ');
    assert.equal(await keys(everything), '! B b b/10 b/2 b/~ b0 c ~');
    assert.equal(await keys(prefixed('b/')), 'b/10 b/2 b/~');
    assert.equal(await keys(prefixed('~')), '~');
    assert.equal(await keys({ from: 'b', to: 'b/2' }), 'b b/10');
    assert.equal(await keys(single('b')), 'b');
    const two = await store.range(prefixed('b'), { limit: 2 });
    assert.deepEqual([two.entries.map(({ key }) => key).join(' '), two.more], ['b b/10', true]);
    assert.equal((await store.range(prefixed('b'), { limit: 5 })).more, false);
    const none = await store.range(prefixed('nothing'));
    assert.deepEqual([none.entries, none.more], [[], false]);
    const paged: Entry[] = [];
    for await (const entry of entriesOf(store, everything)) paged.push(entry);
    assert.equal(paged.length, 9);
  });

  story('a transaction does all of one branch, by what its comparisons find', async ({ store }) => {
    const revision = await set(store, 'a', '1');
    const holds = async (compare: NonNullable<Transaction['compare']>): Promise<boolean> =>
      (await store.transact({ compare, then: [], otherwise: [] })).succeeded;
    assert.equal(await holds([]), true);
    for (const [target, value] of [
      ['version', 1],
      ['createRevision', revision],
      ['modRevision', revision],
    ] as const) {
      const found: boolean[] = [];
      for (const to of [value - 1, value, value + 1])
        for (const is of ['=', '!=', '<', '>'] as const)
          found.push(await holds([{ key: 'a', target, is, to }]));
      const wanted = [false, true, false, true, true, false, false, false, false, true, true, false];
      assert.deepEqual(found, wanted, target);
    }
    assert.equal(await holds([{ key: 'a', target: 'value', is: '=', to: bytes('1') }]), true);
    assert.equal(await holds([{ key: 'a', target: 'value', is: '!=', to: bytes('1') }]), false);
    assert.equal(await holds([isAbsent('z'), isPresent('a')]), true);
    assert.equal(await holds([isAbsent('z'), isAbsent('a')]), false);
    const change: Transaction = {
      compare: [isAbsent('b')],
      then: [put('b', bytes('2')), remove('a'), put('c', bytes('3'))],
      otherwise: [read(everything)],
    };
    const done = await store.transact(change);
    assert.deepEqual([done.succeeded, done.revision], [true, revision + 1]);
    const refused = await store.transact(change);
    assert.deepEqual([refused.succeeded, refused.revision], [false, revision + 1]);
    assert.equal(shown(firstRange(refused.results)), 'b=2 c=3');
    assert.equal((await getEntry(store, 'c'))?.modRevision, (await getEntry(store, 'b'))?.modRevision);
  });

  story('a range in a transaction sees what the transaction did before it', async ({ store }) => {
    await set(store, 'a', '1');
    const { results } = await store.transact({
      then: [
        put('b', bytes('2')),
        { kind: 'delete', range: single('a') },
        read(everything),
        put('c', bytes('3')),
      ],
    });
    assert.equal(shown(firstRange(results)), 'b=2');
  });

  story('what changes nothing takes no revision', async ({ store }) => {
    const revision = await set(store, 'a', '1');
    const { revision: after } = await store.transact({ then: [remove('missing'), read(everything)] });
    assert.equal(after, revision);
    assert.equal(await set(store, 'a', '1'), revision + 1);
  });

  story('an old revision is read as it was, until it is compacted', async ({ store }) => {
    const first = await set(store, 'a', '1');
    await set(store, 'b', '1');
    await store.transact({ then: [put('a', bytes('2')), remove('b')] });
    const last = await set(store, 'c', '1');
    const at = async (revision: number): Promise<string> =>
      shown(await store.range(everything, { revision }));
    assert.deepEqual(
      [await at(first), await at(first + 1), await at(first + 2), await at(last)],
      ['a=1', 'a=1 b=1', 'a=2', 'a=2 c=1'],
    );
    await assert.rejects(store.range(everything, { revision: last + 1 }), code('invalid-argument'));
    await store.compact(first + 2);
    await store.compact(first + 1);
    assert.deepEqual([await at(first + 2), await at(last)], ['a=2', 'a=2 c=1']);
    await assert.rejects(store.range(everything, { revision: first + 1 }), code('revision-compacted'));
    await assert.rejects(store.compact(last + 10), code('invalid-argument'));
  });

  story('a watch gives each change of its range once, the past first', async ({ store }) => {
    await set(store, 'w/0', 'before');
    const from = await set(store, 'w/1', 'a');
    await set(store, 'other', 'x');
    await store.transact({ then: [put('w/2', bytes('b')), put('w/3', bytes('c')), remove('w/1')] });
    const watch = store.watch(prefixed('w/'), from);
    const seen = watched(watch, 6);
    await set(store, 'w/1', 'd');
    await store.transact({ then: [remove('w/2')] });
    assert.deepEqual(await seen, ['w/1=a', '-w/1 w/2=b w/3=c', 'w/1=d', '-w/2']);
  });

  story('a watch may begin in the future, and ends when it is closed', async ({ store }) => {
    const now = await set(store, 'a', '1');
    const future = watched(store.watch(single('a'), now + 2), 1);
    const closed = store.watch(everything, now + 1);
    const ended = (async () => {
      let count = 0;
      for await (const { events } of closed) count += events.length;
      return count;
    })();
    await set(store, 'a', '2');
    await set(store, 'a', '3');
    assert.deepEqual(await future, ['a=3']);
    closed.close();
    assert.ok((await ended) <= 2);
  });

  story('a watch whose past is compacted says so', async ({ store }) => {
    const first = await set(store, 'a', '1');
    await set(store, 'a', '2');
    const last = await set(store, 'a', '3');
    await store.compact(last);
    await assert.rejects(watched(store.watch(everything, first), 1), code('revision-compacted'));
    const future = watched(store.watch(everything, last + 1), 1);
    await set(store, 'a', '4');
    assert.deepEqual(await future, ['a=4']);
  });

  story('a thousand changes reach a watch that looks late', async ({ store }) => {
    const from = await set(store, 'first', '');
    const watch = store.watch(prefixed('n/'), from);
    const changes = Array.from({ length: 50 }, (_, group) =>
      store.transact({
        then: Array.from({ length: 20 }, (_, at) => put(`n/${group}/${at}`, Buffer.alloc(100))),
      }),
    );
    await Promise.all(changes);
    const seen = await watched(watch, 1000);
    assert.equal(seen.length, 50);
    for (const events of seen) assert.equal(events.split(' ').length, 20);
  });

  story(
    'a lease that is not kept alive ends, and its keys with it, in one revision',
    async ({ store, passSeconds }) => {
      const short = await store.grantLease(10);
      const kept = await store.grantLease(10);
      const from = await set(store, 'l/1', 'a', short.id);
      await set(store, 'l/2', 'b', short.id);
      await set(store, 'l/3', 'c', kept.id);
      await set(store, 'l/4', 'detached', short.id);
      await set(store, 'l/4', 'detached');
      assert.equal((await getEntry(store, 'l/1'))?.lease, short.id);
      const gone = watched(store.watch({ from: 'l/1', to: 'l/3' }, from), 4);
      for (let second = 0; second < short.ttlSeconds + 3; second += 1) {
        await passSeconds(1);
        await store.keepAlive(kept.id);
      }
      assert.deepEqual((await gone).at(-1), '-l/1 -l/2');
      assert.equal(shown(await store.range(prefixed('l/'))), 'l/3=c l/4=detached');
      await assert.rejects(store.keepAlive(short.id), code('lease-unknown'));
      await assert.rejects(set(store, 'x', 'y', short.id), code('lease-unknown'));
      await store.revokeLease(kept.id);
      assert.equal(shown(await store.range(prefixed('l/'))), 'l/4=detached');
      await assert.rejects(store.revokeLease(kept.id), code('lease-unknown'));
    },
  );

  story('of those who change one key at once, one succeeds each time', async ({ store }) => {
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        store.transact({ compare: [isAbsent('claim')], then: [put('claim', bytes(String(at)))] }),
      ),
    );
    assert.equal(claims.filter(({ succeeded }) => succeeded).length, 1);
    const increment = (): Promise<unknown> =>
      update(store, 'sum', (entry) => bytes(String(Number(entry?.value.toString() ?? 0) + 1)));
    await Promise.all(Array.from({ length: 16 }, increment));
    assert.equal((await getEntry(store, 'sum'))?.value.toString(), '16');
    const entry = await getEntry(store, 'sum');
    assert.ok(entry);
    await set(store, 'sum', 'changed');
    assert.equal((await store.transact({ compare: [isUnchanged(entry)], then: [] })).succeeded, false);
  });

  story('what is beyond the limits is refused, and nothing of it is done', async ({ store }) => {
    const many = Array.from({ length: 129 }, (_, at) => put(`k${at}`, Buffer.alloc(0)));
    const wrong: Transaction[] = [
      { then: [put('ok', bytes('1')), put('', bytes('x'))] },
      { then: [put('with blank', bytes('x'))] },
      { then: [put('ü', bytes('x'))] },
      { then: [put('k'.repeat(1025), bytes('x'))] },
      { then: [put('k', Buffer.alloc(1024 * 1024 + 1))] },
      { then: [put('a', Buffer.alloc(700_000)), put('b', Buffer.alloc(700_000))] },
      { then: [put('a', bytes('1')), put('a', bytes('2'))] },
      { then: [put('a', bytes('1')), remove('a')] },
      { then: [], otherwise: [{ kind: 'delete', range: prefixed('a') }, put('ab', bytes('2'))] },
      { then: [read({ from: 'b', to: 'a' })] },
      { then: [read(everything, 0)] },
      { then: [], compare: [{ key: 'a', target: 'version', is: '=', to: 1.5 }] },
      { then: many },
    ];
    for (const transaction of wrong)
      await assert.rejects(store.transact(transaction), code('invalid-argument'));
    await assert.rejects(store.grantLease(0), code('invalid-argument'));
    await assert.rejects(store.grantLease(1.5), code('invalid-argument'));
    assert.equal((await store.range(everything)).entries.length, 0);
    await store.transact({ then: many.slice(1) });
  });
}
