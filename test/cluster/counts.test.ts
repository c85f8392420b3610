/** What a container's heads say: sums that the replicas keep, compared with the records themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordKey, recordKinds } from '#common/codec/record-key.ts';
import { hasCode } from '#common/errors.ts';
import { spaceId } from '#common/ids.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import type { Cluster, Counted } from '#cluster/cluster.ts';
import { MemoryNodes } from './memory-nodes.ts';

const SPACE = spaceId('cd'.repeat(16));
const SHARDS = 5;
const EMPTY = Buffer.alloc(0);

async function put(cluster: Cluster, number: number, bytes: number): Promise<void> {
  await cluster.records.mutate(recordKey(SPACE, recordKinds.object, number % SHARDS, `n${number}`), () => ({
    action: 'write',
    summary: EMPTY,
    content: EMPTY,
    counted: { objects: 1, bytes },
    result: undefined,
  }));
}

async function remove(cluster: Cluster, number: number): Promise<void> {
  const key = recordKey(SPACE, recordKinds.object, number % SHARDS, `n${number}`);
  await cluster.records.mutate(key, () => ({ action: 'remove', result: undefined }));
}

function count(cluster: Cluster): Promise<Counted> {
  return cluster.listings.count({ space: SPACE, kind: recordKinds.object, shards: SHARDS });
}

function sum(sizes: ReadonlyMap<number, number>): Counted {
  let bytes = 0;
  for (const size of sizes.values()) bytes += size;
  return { objects: sizes.size, bytes };
}

test('counts follow writes, overwrites and removals while nodes come and go', async () => {
  const seed = 7;
  const random = seededRandomness(seed);
  await using nodes = await MemoryNodes.start(4, seed);
  const cluster = await nodes.open();
  const sizes = new Map<number, number>();
  assert.deepEqual(await count(cluster), { objects: 0, bytes: 0 });
  for (let round = 0; round < 6; round += 1) {
    // One node misses what happens in this round: afterwards no two replicas of a shard may be alike.
    const away = round % 2 === 0 ? undefined : random.below(4);
    if (away !== undefined) await nodes.stopNode(away);
    for (let step = 0; step < 25; step += 1) {
      const number = random.below(40);
      if (random.below(3) > 0) {
        const bytes = random.below(1_000_000);
        await put(cluster, number, bytes);
        sizes.set(number, bytes);
      } else {
        await remove(cluster, number);
        sizes.delete(number);
      }
    }
    assert.deepEqual(await count(cluster), sum(sizes), `seed ${seed}, round ${round}, while a node is away`);
    if (away !== undefined) await nodes.startNode(away);
    assert.deepEqual(await count(cluster), sum(sizes), `seed ${seed}, round ${round}`);
  }
});

test('a count under writes is one that was true in the meantime', async () => {
  await using nodes = await MemoryNodes.start(4, 3);
  const cluster = await nodes.open();
  let written = 0;
  let writing = true;
  const writer = (async () => {
    for (let number = 0; writing; number += 1) {
      await put(cluster, number, 10);
      written += 1;
    }
  })();
  for (let look = 0; look < 20; look += 1) {
    const before = written;
    const counted = await count(cluster);
    assert.ok(counted.objects >= before && counted.objects <= written + 1, `${before} … ${written + 1}`);
    assert.equal(counted.bytes, counted.objects * 10);
  }
  writing = false;
  await writer;
  assert.deepEqual(await count(cluster), { objects: written, bytes: written * 10 });
});

test('a count without a majority fails, and works again when nodes are back', async () => {
  await using nodes = await MemoryNodes.start(3, 4);
  const cluster = await nodes.open();
  await put(cluster, 1, 5);
  await nodes.stopNode(0);
  assert.deepEqual(await count(cluster), { objects: 1, bytes: 5 });
  await nodes.stopNode(1);
  const waiting = count(cluster);
  await nodes.startNode(1);
  assert.deepEqual(await waiting, { objects: 1, bytes: 5 });
});

test('a large shard of which two replicas lack something each is counted whole, and brought together', async () => {
  await using nodes = await MemoryNodes.start(3, 5);
  const some = { space: SPACE, kind: recordKinds.object, shards: 1 };
  const add = async (cluster: Cluster, names: readonly string[]): Promise<void> => {
    const mutations = names.map((name) =>
      cluster.records.mutate(recordKey(SPACE, recordKinds.object, 0, name), () => ({
        action: 'write',
        summary: EMPTY,
        content: EMPTY,
        counted: { objects: 1, bytes: 3 },
        result: undefined,
      })),
    );
    await Promise.all(mutations);
  };
  const named = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_, number) => `${prefix}${number}`);
  const first = await nodes.open();
  for (let from = 0; from < 110; from += 1) await add(first, named(`all${from}-`, 100));
  await first.close();
  // Those who wrote are gone before the nodes are back, and with them what they had noticed.
  for (const [node, count] of [
    [0, 30],
    [2, 20],
  ] as const) {
    await nodes.stopNode(node);
    const writer = await nodes.open();
    await add(writer, named(`without${node}-`, count));
    await writer.close();
    await nodes.startNode(node);
  }
  const objects = 11_000 + 30 + 20;
  const counter = await nodes.open();
  const counted = await counter.listings.count(some).catch((error: unknown) => {
    // Its time was over, on a machine that is busy: once more.
    if (!hasCode(error, 'quorum-unavailable')) throw error;
    return counter.listings.count(some);
  });
  assert.deepEqual(counted, { objects, bytes: 3 * objects });
  const lacking = [...named('without0-', 30), ...named('without2-', 20)];
  const isWhole = (node: number): boolean =>
    lacking.every(
      (name) => nodes.engines[node]?.readRecord(recordKey(SPACE, recordKinds.object, 0, name)) !== undefined,
    );
  const deadlineMs = performance.now() + 60_000;
  while (![0, 1, 2].every(isWhole)) {
    assert.ok(performance.now() < deadlineMs, 'a replica still lacks what it missed');
    await sleep(50);
  }
});
