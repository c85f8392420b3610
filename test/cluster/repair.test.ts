/** A node that was away gets what it missed: by hints of those who wrote, and by reads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sameBallot } from '#common/ballot.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { type DeviceId, spaceId } from '#common/ids.ts';
import type { Cluster } from '#cluster/cluster.ts';
import { placeRecord } from '#cluster/context.ts';
import { askNode } from '#cluster/rebalance/ask-node.ts';
import type { AcceptedState } from '#storage-node/protocol/accepted-state.ts';
import { encodeRead } from '#storage-node/protocol/messages/read.ts';
import { encodeRepair } from '#storage-node/protocol/messages/repair.ts';
import { MemoryNodes } from './memory-nodes.ts';

const SPACE = spaceId('ef'.repeat(16));
const NODES = 3;
const CAUGHT_UP_MS_MAX = 30_000;
/** A read leaves out one node of three by chance: that one of 40 keys is never asked of a given node has a chance of 1 in 10^10. */
const READS_OF_EACH = 24;

const keyOf = (number: number): RecordKey => recordKey(SPACE, recordKinds.object, 0, `n${number}`);

async function put(cluster: Cluster, number: number, text: string): Promise<void> {
  await cluster.records.mutate(keyOf(number), () => ({
    action: 'write',
    summary: Buffer.from(text),
    content: Buffer.from(text),
    counted: { objects: 1, bytes: text.length },
    result: undefined,
  }));
}

/** Resolves when every node has the same states under the same ballots. */
async function alike(nodes: MemoryNodes, numbers: readonly number[]): Promise<void> {
  const deadlineMs = performance.now() + CAUGHT_UP_MS_MAX;
  for (;;) {
    const behind = numbers.filter((number) => {
      const states = nodes.engines.map((engine) => engine.readRecord(keyOf(number)));
      return !states.every((state) => isSame(state, states[0]));
    });
    if (behind.length === 0) return;
    assert.ok(performance.now() < deadlineMs, `still behind: ${behind.join(', ')}`);
    await sleep(50);
  }
}

function isSame(a: AcceptedState | undefined, b: AcceptedState | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return sameBallot(a.ballot, b.ballot) && a.content.equals(b.content) && a.live === b.live;
}

const numbers = Array.from({ length: 40 }, (_, number) => number);

test('what a node missed is given to it when it is back, though nobody reads', async () => {
  await using nodes = await MemoryNodes.start(NODES);
  const cluster = await nodes.open();
  for (const number of numbers) await put(cluster, number, 'before');
  await nodes.stopNode(1);
  for (const number of numbers.slice(0, 20)) await put(cluster, number, 'meanwhile');
  for (const number of numbers.slice(20, 25)) {
    await cluster.records.mutate(keyOf(number), () => ({ action: 'remove', result: undefined }));
  }
  // One that the node has never heard of lies below the floor with which it comes back.
  await put(cluster, 100, 'new');
  assert.ok(cluster.repairs.figures.waiting >= 26);
  await nodes.startNode(1);
  await alike(nodes, [...numbers, 100]);
  assert.equal(nodes.engines[1]?.readRecord(keyOf(0))?.content.toString(), 'meanwhile');
  assert.equal(nodes.engines[1]?.readRecord(keyOf(24))?.live, false);
  assert.equal(nodes.engines[1]?.readRecord(keyOf(100))?.content.toString(), 'new');
});

test('what whoever wrote has forgotten is noticed by those who read', async () => {
  await using nodes = await MemoryNodes.start(NODES);
  const writer = await nodes.open('writer');
  for (const number of numbers) await put(writer, number, 'before');
  await nodes.stopNode(2);
  for (const number of numbers) await put(writer, number, 'meanwhile');
  await writer.close();
  await nodes.startNode(2);
  const reader = await nodes.open('reader');
  // Two of three are asked each time: some of these reads ask the one that is behind.
  for (let turn = 0; turn < READS_OF_EACH; turn += 1) {
    for (const number of numbers) {
      assert.equal((await reader.records.read(keyOf(number)))?.content.toString(), 'meanwhile');
    }
  }
  await alike(nodes, numbers);
  assert.ok(reader.repairs.figures.repairedRecords > 0);
});

test('a stripe that a node missed is copied to it', async () => {
  await using nodes = await MemoryNodes.start(NODES);
  const cluster = await nodes.open();
  await nodes.stopNode(0);
  const writer = cluster.bodies.write(keyOf(1));
  const bytes = Buffer.alloc(700_000, 'stripe ');
  for (let at = 0; at < bytes.length; at += 100_000) await writer.write(bytes.subarray(at, at + 100_000));
  const [stripe] = await writer.finish();
  assert.ok(stripe);
  assert.deepEqual(await nodes.engines[0]?.blobIds(undefined, 10), []);
  await nodes.startNode(0);
  const deadlineMs = performance.now() + CAUGHT_UP_MS_MAX;
  while (cluster.repairs.figures.repairedBlobs === 0) {
    assert.ok(performance.now() < deadlineMs, 'the stripe was not copied');
    await sleep(50);
  }
  const source = await nodes.engines[0]?.openBlob(stripe.id);
  const copied = Buffer.alloc(bytes.length);
  await source?.read(copied, 0, copied.length, 0);
  assert.ok(copied.equals(bytes));
  assert.equal(cluster.repairs.figures.waiting, 0);
});

test('a repair that comes late does not bring back what was deleted and forgotten', async () => {
  await using nodes = await MemoryNodes.start(NODES);
  const cluster = await nodes.open();
  const key = keyOf(7);
  await put(cluster, 7, 'to be deleted');
  const { route, devices } = placeRecord(cluster.context, key);
  const read = encodeRead({ type: 'read', route, key, ballotOnly: false });
  const { state } = await askNode(cluster.context, devices[0] as DeviceId, read, 'state');
  assert.ok(state?.live);
  await cluster.records.mutate(key, () => ({ action: 'remove', result: undefined }));
  await alike(nodes, [7]);
  const tombstone = nodes.engines[0]?.readRecord(key);
  assert.ok(tombstone && (await cluster.upkeep.reclaim(key, tombstone.ballot)));
  for (const device of devices) {
    const repair = encodeRepair({ type: 'repair', route, key, state });
    await askNode(cluster.context, device, repair, 'refused');
  }
  assert.deepEqual(
    nodes.engines.map((engine) => engine.readRecord(key)),
    [undefined, undefined, undefined],
  );
});
