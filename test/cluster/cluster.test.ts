/** The store as a service sees it, over the real protocol: records, listings and bodies while nodes come and go. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { recordKey, recordKinds } from '#common/codec/record-key.ts';
import { hasCode, HoldfastError } from '#common/errors.ts';
import { spaceId } from '#common/ids.ts';
import type { Cluster, ListingQuery, Stripe } from '#cluster/cluster.ts';
import { MemoryNodes, nodeName } from './memory-nodes.ts';

const SPACE = spaceId('ab'.repeat(16));
const EMPTY = Buffer.alloc(0);

function keyOf(name: string, shard = 0) {
  return recordKey(SPACE, recordKinds.object, shard, name);
}

function put(cluster: Cluster, name: string, value: string, shard = 0): Promise<void> {
  return cluster.records.mutate(keyOf(name, shard), () => ({
    action: 'write',
    summary: Buffer.from(`s:${value}`),
    content: Buffer.from(value),
    result: undefined,
  }));
}

function remove(cluster: Cluster, name: string, shard = 0): Promise<void> {
  return cluster.records.mutate(keyOf(name, shard), () => ({ action: 'remove', result: undefined }));
}

async function get(cluster: Cluster, name: string): Promise<string | undefined> {
  return (await cluster.records.read(keyOf(name)))?.content.toString();
}

function query(fields: Partial<ListingQuery> = {}): ListingQuery {
  const all = { space: SPACE, kind: recordKinds.object, shards: 3, prefix: '', delimiter: '', limit: 1000 };
  return { ...all, ...fields };
}

async function names(cluster: Cluster, fields: Partial<ListingQuery> = {}): Promise<string[]> {
  const page = await cluster.listings.list(query(fields));
  return page.entries.map((entry) => (entry.type === 'row' ? entry.name : `${entry.prefix}*`));
}

describe('records', () => {
  test('are read as they were written, replaced and removed', async () => {
    await using nodes = await MemoryNodes.start();
    const cluster = await nodes.open();
    assert.equal(await get(cluster, 'a'), undefined);
    await put(cluster, 'a', 'one');
    assert.equal(await get(cluster, 'a'), 'one');
    await put(cluster, 'a', 'two');
    assert.equal(await get(cluster, 'a'), 'two');
    await remove(cluster, 'a');
    assert.equal(await get(cluster, 'a'), undefined);
  });

  test('have one winner when forty writers of two proxies race for an absent key', async () => {
    await using nodes = await MemoryNodes.start();
    const proxies = [await nodes.open('proxy-1'), await nodes.open('proxy-2')];
    const race = Array.from({ length: 40 }, (_, writer) =>
      (proxies[writer % 2] as Cluster).records.mutate(keyOf('prize'), (current) =>
        current === undefined
          ? { action: 'write', summary: EMPTY, content: Buffer.from(String(writer)), result: 'won' }
          : { action: 'keep', result: 'lost' },
      ),
    );
    const results = await Promise.all(race);
    assert.equal(results.filter((result) => result === 'won').length, 1);
    assert.equal(await get(proxies[0] as Cluster, 'prize'), String(results.indexOf('won')));
  });

  test('are served while any one node is down, and nothing is lost when it returns', async () => {
    await using nodes = await MemoryNodes.start();
    const cluster = await nodes.open();
    for (let node = 0; node < 4; node += 1) {
      await nodes.stopNode(node);
      await put(cluster, `k${node}`, 'while one is down');
      await put(cluster, 'same', `by ${node}`);
      assert.equal(await get(cluster, 'same'), `by ${node}`);
      await nodes.startNode(node);
      for (let before = 0; before <= node; before += 1) {
        assert.equal(await get(cluster, `k${before}`), 'while one is down');
      }
    }
  });

  test('wait for a majority that returns', async () => {
    await using nodes = await MemoryNodes.start(3);
    const cluster = await nodes.open();
    await put(cluster, 'a', 'before');
    await nodes.stopNode(0);
    await nodes.stopNode(1);
    const waiting = put(cluster, 'a', 'after');
    const reading = get(cluster, 'a');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await nodes.startNode(0);
    await waiting;
    assert.ok(['before', 'after'].includes((await reading) ?? ''));
    assert.equal(await get(cluster, 'a'), 'after');
  });

  test('pass on what the decision throws, and write nothing', async () => {
    await using nodes = await MemoryNodes.start();
    const cluster = await nodes.open();
    const refused = cluster.records.mutate(keyOf('a'), () => {
      throw new HoldfastError('invalid-argument', 'not like this');
    });
    await assert.rejects(refused, (error) => hasCode(error, 'invalid-argument'));
    assert.equal(await get(cluster, 'a'), undefined);
  });
});

describe('listings', () => {
  test('merge the shards in the order of UTF-8 and page through them', async () => {
    await using nodes = await MemoryNodes.start();
    const cluster = await nodes.open();
    const all = ['a', 'b', 'zebra', '\u{ff61}', '\u{1f600}', 'é', 'a/b', 'a/c'];
    for (const [index, name] of all.entries()) await put(cluster, name, name, index % 3);
    const sorted = all.toSorted((one, other) => Buffer.from(one).compare(Buffer.from(other)));
    assert.deepEqual(await names(cluster), sorted);
    const paged: string[] = [];
    for (let after: string | undefined; ; after = paged.at(-1)) {
      const page = await cluster.listings.list(
        query({ limit: 3, ...(after === undefined ? {} : { start: { after } }) }),
      );
      paged.push(...page.entries.map((entry) => (entry.type === 'row' ? entry.name : entry.prefix)));
      if (!page.more) break;
    }
    assert.deepEqual(paged, sorted);
  });

  test('fold names at a delimiter, once over all shards', async () => {
    await using nodes = await MemoryNodes.start();
    const cluster = await nodes.open();
    const all = ['p/a/1', 'p/a/2', 'p/b', 'p/c/1', 'p/c/2', 'q/a'];
    for (const [index, name] of all.entries()) await put(cluster, name, name, index % 3);
    assert.deepEqual(await names(cluster, { prefix: 'p/', delimiter: '/' }), ['p/a/*', 'p/b', 'p/c/*']);
    assert.deepEqual(await names(cluster, { delimiter: '/' }), ['p/*', 'q/*']);
    const start = { afterPrefix: 'p/a/' };
    assert.deepEqual(await names(cluster, { prefix: 'p/', delimiter: '/', start }), ['p/b', 'p/c/*']);
  });

  test('agree with the records although a node missed writes and removals', async () => {
    await using nodes = await MemoryNodes.start();
    const cluster = await nodes.open();
    for (const name of ['d/1', 'd/2', 'e/1', 'f', 'g']) await put(cluster, name, name);
    await nodes.stopNode(1);
    await remove(cluster, 'e/1');
    await remove(cluster, 'f');
    await put(cluster, 'h', 'h');
    await remove(cluster, 'd/1');
    await nodes.startNode(1);
    // Every pair of replicas is asked sooner or later.
    for (let turn = 0; turn < 12; turn += 1) {
      assert.deepEqual(await names(cluster), ['d/2', 'g', 'h']);
      assert.deepEqual(await names(cluster, { delimiter: '/' }), ['d/*', 'g', 'h']);
    }
  });

  test('go on while a node is down', async () => {
    await using nodes = await MemoryNodes.start();
    const cluster = await nodes.open();
    for (let index = 0; index < 30; index += 1) await put(cluster, `n${100 + index}`, 'x', index % 3);
    for (let node = 0; node < 4; node += 1) {
      await nodes.stopNode(node);
      assert.equal((await names(cluster)).length, 30);
      await nodes.startNode(node);
    }
  });
});

describe('bodies', () => {
  async function write(cluster: Cluster, bytes: Buffer): Promise<Stripe[]> {
    const writer = cluster.bodies.write(keyOf('owner'));
    for (let at = 0; at < bytes.length; at += 200_000) await writer.write(bytes.subarray(at, at + 200_000));
    return writer.finish();
  }

  async function read(cluster: Cluster, stripes: Stripe[], start: number, end: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    await cluster.bodies.read(stripes, start, end, async (chunk) => void chunks.push(Buffer.from(chunk)));
    return Buffer.concat(chunks);
  }

  test('come back whole and in ranges', async () => {
    await using nodes = await MemoryNodes.start();
    const cluster = await nodes.open();
    const bytes = Buffer.alloc(3_000_001, 'holdfast ');
    bytes.write('middle', 1_500_000);
    const stripes = await write(cluster, bytes);
    assert.deepEqual(await read(cluster, stripes, 0, bytes.length), bytes);
    assert.deepEqual(
      await read(cluster, stripes, 1_499_990, 1_500_010),
      bytes.subarray(1_499_990, 1_500_010),
    );
    assert.deepEqual(await read(cluster, stripes, 262_143, 262_145), bytes.subarray(262_143, 262_145));
  });

  test('survive the loss of a node while they are written and while they are read', async () => {
    await using nodes = await MemoryNodes.start();
    const cluster = await nodes.open();
    const bytes = Buffer.alloc(8_000_000, 'stream ');
    const writer = cluster.bodies.write(keyOf('owner'));
    await writer.write(bytes.subarray(0, 4_000_000));
    await nodes.stopNode(2);
    await writer.write(bytes.subarray(4_000_000));
    const stripes = await writer.finish();
    await nodes.startNode(2);
    const chunks: Buffer[] = [];
    await cluster.bodies.read(stripes, 0, bytes.length, async (chunk) => {
      chunks.push(Buffer.from(chunk));
      if (chunks.length === 3) await nodes.stopNode(0);
      if (chunks.length === 10) await nodes.startNode(0).then(() => nodes.stopNode(1));
    });
    assert.ok(Buffer.concat(chunks).equals(bytes));
  });

  test('end when their reader goes', async () => {
    await using nodes = await MemoryNodes.start();
    const cluster = await nodes.open();
    const stripes = await write(cluster, Buffer.alloc(4_000_000, 1));
    const leaving = new AbortController();
    const reading = cluster.bodies.read(stripes, 0, 4_000_000, async () => leaving.abort(), leaving.signal);
    await assert.rejects(reading, (error) => hasCode(error, 'aborted'));
  });

  test('are refused when no majority can take them', async () => {
    await using nodes = await MemoryNodes.start(3);
    const cluster = await nodes.open();
    for (const engine of nodes.engines) engine.failure = new HoldfastError('device-full');
    const writer = cluster.bodies.write(keyOf('owner'));
    const writing = writer.write(Buffer.alloc(100_000)).then(() => writer.finish());
    await assert.rejects(writing, (error) => hasCode(error, 'device-full'));
    await writer.abort();
  });
});

test('a proxy behind a broken network neither loses nor invents a record', async () => {
  await using nodes = await MemoryNodes.start();
  const near = await nodes.open('near');
  const far = await nodes.open('far');
  await put(near, 'k', 'first');
  const route = nodes.ring.members(0);
  assert.ok(route.length === 3);
  nodes.network.partition('far', nodeName(0));
  assert.equal(await get(far, 'k'), 'first');
  await put(far, 'k', 'second');
  assert.equal(await get(near, 'k'), 'second');
  nodes.network.heal();
  await put(near, 'k', 'third');
  assert.equal(await get(far, 'k'), 'third');
});
