/** What every implementation of the index does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IndexStore, IndexWrite, RecordIndex } from './record-index.ts';

export interface IndexFactory {
  readonly name: string;
  readonly make: () => Promise<{ store: IndexStore; remove: () => Promise<void> }>;
}

const key = (name: string): Buffer => Buffer.from(`${'k'.repeat(19)}${name}`);
const put = (name: string, value: string): IndexWrite => ({ key: key(name), value: Buffer.from(value) });
const END = Buffer.from('l');

async function listed(index: RecordIndex, from: string, to: Buffer, limit: number): Promise<string[]> {
  const entries = await index.range(key(from), to, limit);
  return entries.map(([found, value]) => `${found.toString('latin1', 19)}=${value.toString()}`);
}

export function indexCompliance(factory: IndexFactory): void {
  const story = (title: string, run: (store: IndexStore) => Promise<void>): void => {
    test(`${factory.name} index: ${title}`, async () => {
      const { store, remove } = await factory.make();
      try {
        await run(store);
      } finally {
        await remove();
      }
    });
  };

  story('rows are found, replaced and removed', async (store) => {
    const index = await store.open();
    await index.write([put('a', '1'), put('b', '2'), put('c', '')], [], []);
    assert.equal(index.get(key('b'))?.toString(), '2');
    assert.equal(index.get(key('c'))?.length, 0);
    assert.equal(index.get(key('d')), undefined);
    await index.write([put('b', '3'), { key: key('a'), value: undefined }, put('b', '4')], [], []);
    assert.equal(index.get(key('a')), undefined);
    assert.deepEqual(await listed(index, '', END, 10), ['b=4', 'c=']);
    await index.close();
  });

  story('a range has its first key and not its end, in order of bytes, up to its limit', async (store) => {
    const index = await store.open();
    const names = ['b', 'a', 'é', '\u{1f600}', 'a/b', 'Z', '\u{ffff}', 'ab'];
    await index.write(
      names.map((name) => put(name, name)),
      [],
      [],
    );
    const inOrder = names.map((name) => key(name)).toSorted((one, other) => one.compare(other));
    const entries = await index.range(Buffer.alloc(0), END, 100);
    assert.deepEqual(
      entries.map(([found]) => found.toString('hex')),
      inOrder.map((one) => one.toString('hex')),
    );
    assert.deepEqual(await listed(index, 'a', key('ab'), 10), ['a=a', 'a/b=a/b']);
    assert.deepEqual(await listed(index, 'a', END, 2), ['a=a', 'a/b=a/b']);
    assert.deepEqual(await listed(index, 'b', key('b'), 10), []);
    await index.close();
  });

  story('a mark is no row', async (store) => {
    const index = await store.open();
    await index.write([put('a', '1'), put('b', '2')], [], []);
    assert.equal(index.mark(), undefined);
    await index.checkpoint(Buffer.from('here'));
    assert.equal(index.mark()?.toString(), 'here');
    const all = await index.range(Buffer.alloc(0), Buffer.from([0xff]), 2);
    assert.equal(all.length, 2);
    const values: string[] = [];
    for await (const page of index.entries()) values.push(...page.map(([, value]) => String(value)));
    assert.deepEqual(values, ['1', '2']);
    await index.close();
  });

  story(
    'what was checkpointed is there when it is opened again, and gone when it was removed',
    async (store) => {
      const index = await store.open();
      await index.write([put('a', '1')], [], []);
      await index.checkpoint(Buffer.from('one'));
      await index.write([put('a', '2')], [], []);
      await index.close();
      const again = await store.open();
      assert.equal(again.get(key('a'))?.toString(), '2');
      assert.equal(again.mark()?.toString(), 'one');
      await again.close();
      await store.remove();
      const empty = await store.open();
      assert.equal(empty.mark(), undefined);
      assert.equal(empty.get(key('a')), undefined);
      await empty.close();
    },
  );

  story('sums are no rows, and go with the rows they were written with', async (store) => {
    const index = await store.open();
    const shard = key('');
    await index.write([put('', 'row'), put('a', '1')], [{ key: shard, value: Buffer.from('sums') }], []);
    assert.equal(index.sums(shard)?.toString(), 'sums');
    assert.equal(index.get(shard)?.toString(), 'row');
    assert.deepEqual(await listed(index, '', Buffer.from([0xff]), 10), ['=row', 'a=1']);
    await index.write([], [{ key: shard, value: undefined }], []);
    assert.equal(index.sums(shard), undefined);
    await index.write([], [{ key: shard, value: Buffer.from('more') }], []);
    await index.removeTotals();
    assert.equal(index.sums(shard), undefined);
    assert.equal(index.get(shard)?.toString(), 'row');
    await index.close();
  });

  story('counts are neither rows nor sums', async (store) => {
    const index = await store.open();
    const counts = [put('', 'one'), { key: Buffer.alloc(0), value: Buffer.from('all') }];
    await index.write([put('', 'row')], [{ key: key(''), value: Buffer.from('sums') }], counts);
    const listed = async (): Promise<string[]> =>
      (await index.counts()).map(([, value]) => value.toString()).toSorted();
    assert.deepEqual(await listed(), ['all', 'one']);
    assert.equal(index.get(key(''))?.toString(), 'row');
    assert.equal(index.sums(key(''))?.toString(), 'sums');
    await index.write([], [], [{ key: key(''), value: undefined }]);
    assert.deepEqual(await listed(), ['all']);
    await index.removeTotals();
    assert.deepEqual(await listed(), []);
    assert.equal(index.get(key(''))?.toString(), 'row');
    await index.close();
  });

  story('an index that lost nothing knows it, over checkpoints and closes', async (store) => {
    for (let round = 0; round < 3; round += 1) {
      const index = await store.open();
      assert.equal(index.isWhole, true);
      await index.write([put('a', String(round))], [], []);
      await index.checkpoint(Buffer.from('here'));
      await index.write([put('b', String(round))], [], []);
      await index.write([put('c', String(round))], [], []);
      await index.close();
    }
    const index = await store.open();
    assert.equal(index.isWhole, true);
    await index.close();
  });

  story('entries and ranges are of the state at the call', async (store) => {
    const index = await store.open();
    await index.write([put('a', '1')], [], []);
    const range = index.range(key(''), END, 10);
    const written = index.write([put('b', '2')], [], []);
    assert.equal((await range).length, 1);
    await written;
    await index.close();
  });
}
