/** Partitions that move from device to device while clients write, over the real protocol. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TICKS_PER_MS, ZERO_BALLOT } from '#common/ballot.ts';
import { recordKey, recordKinds } from '#common/codec/record-key.ts';
import { hasCode, HoldfastError } from '#common/errors.ts';
import { type DeviceId, spaceId } from '#common/ids.ts';
import type { Cluster, Stripe } from '#cluster/cluster.ts';
import { placeRecord } from '#cluster/context.ts';
import type { Mover } from '#cluster/rebalance/mover.ts';
import { LiveRing } from '#ring/live-ring.ts';
import { NOTHING_COUNTED } from '#storage-node/protocol/accepted-state.ts';
import type { Accept } from '#storage-node/protocol/messages/accept.ts';
import type { Prepare } from '#storage-node/protocol/messages/prepare.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import { MemoryNodes } from './memory-nodes.ts';

const SPACE = spaceId('3c'.repeat(16));
const SHARDS = 40;
const DROP_AFTER_MS = 100;
const MOVED_MS_MAX = 240_000;

function keyOf(name: string, shard: number) {
  return recordKey(SPACE, recordKinds.object, shard, name);
}

interface Written {
  readonly name: string;
  readonly shard: number;
  value: string | undefined;
  readonly stripes: readonly Stripe[];
  readonly digest: string;
}

/** Writes, replaces and removes objects, some with bodies, until it is stopped; knows what was acknowledged. */
class Load {
  readonly written: Written[] = [];
  #stopped = false;
  readonly #lanes: Promise<void>[];

  constructor(cluster: Cluster, lanes = 4) {
    this.#lanes = Array.from({ length: lanes }, (_, lane) => this.#run(cluster, lane));
  }

  async stop(): Promise<readonly Written[]> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
    return this.written;
  }

  async #run(cluster: Cluster, lane: number): Promise<void> {
    for (let round = 0; !this.#stopped; round += 1) {
      const shard = (lane * 7 + round) % SHARDS;
      const name = `${lane}/${round % 50}`;
      const known = this.written.find((one) => one.name === name && one.shard === shard);
      if (known !== undefined && round % 3 === 0) {
        await again(() => mutate(cluster, name, shard, undefined));
        known.value = undefined;
        continue;
      }
      const value = `${lane} ${round}`;
      if (known !== undefined) {
        await again(() => mutate(cluster, name, shard, value));
        known.value = value;
        continue;
      }
      const body = randomBytes(round % 4 === 0 ? 300_000 : 10);
      const stripes = await again(async () => {
        const writer = cluster.bodies.write(keyOf(name, shard));
        await writer.write(body);
        return writer.finish();
      });
      await again(() => mutate(cluster, name, shard, value));
      const digest = createHash('sha256').update(body).digest('hex');
      this.written.push({ name, shard, value, stripes, digest });
    }
  }
}

/** Done anew while a busy machine keeps nodes from answering in time: each of these may be done twice. */
async function again<Result>(work: () => Promise<Result>): Promise<Result> {
  const deadlineMs = performance.now() + MOVED_MS_MAX;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const passes = hasCode(error, 'quorum-unavailable') || hasCode(error, 'outcome-unknown');
      if (!passes || performance.now() > deadlineMs) throw error;
    }
  }
}

async function mutate(
  cluster: Cluster,
  name: string,
  shard: number,
  value: string | undefined,
): Promise<void> {
  const content = Buffer.from(value ?? '');
  await cluster.records.mutate(keyOf(name, shard), () =>
    value === undefined
      ? { action: 'remove', result: undefined }
      : { action: 'write', summary: content, content, result: undefined },
  );
}

async function check(cluster: Cluster, written: readonly Written[]): Promise<void> {
  assert.ok(written.length > 0);
  for (const { name, shard, value, stripes, digest } of written) {
    const found = await cluster.records.read(keyOf(name, shard));
    assert.equal(found?.content.toString(), value, `${shard} ${name}`);
    const hash = createHash('sha256');
    const end = stripes.reduce((sum, stripe) => sum + stripe.lengthBytes, 0);
    await cluster.bodies.read(stripes, 0, end, async (chunk) => void hash.update(chunk));
    assert.equal(hash.digest('hex'), digest, name);
  }
  const list = { space: SPACE, kind: recordKinds.object, shards: SHARDS, prefix: '', delimiter: '' };
  const page = await cluster.listings.list({ ...list, limit: 10_000 });
  const living = written.filter(({ value }) => value !== undefined).length;
  assert.equal(page.entries.length, living);
}

async function moved(nodes: MemoryNodes, mover: Mover): Promise<void> {
  const startedMs = Date.now();
  while (nodes.moving.moves.length + nodes.moving.drops.length > 0) {
    assert.ok(Date.now() - startedMs < MOVED_MS_MAX, JSON.stringify(mover.status));
    await sleep(20);
  }
}

/** Every member has every record of the others, and nobody else has any. */
async function assertPlaced(nodes: MemoryNodes): Promise<void> {
  for (const [device, engine] of nodes.engines.entries()) {
    const { records, tombstones, blobs } = await engine.usage();
    const isMember = Array.from({ length: 2 ** nodes.ring.partitionPower }, (_, partition) =>
      nodes.ring.members(partition).includes(device as DeviceId),
    ).includes(true);
    if (!isMember) assert.deepEqual({ records, tombstones, blobs }, { records: 0, tombstones: 0, blobs: 0 });
  }
}

test('a device is added, another removed, while clients write: nothing is lost, and the old device is empty', async () => {
  await using nodes = await MemoryNodes.start(4);
  const cluster = await nodes.open('proxy-1');
  const load = new Load(cluster);
  await sleep(300);
  const problems: string[] = [];
  const mover = await nodes.openMover(DROP_AFTER_MS, (problem) => problems.push(problem));
  mover.start();
  const added = await nodes.addNode();
  await nodes.change((builder) => void builder.rebalance({ nowMs: Date.now(), holdsData: true }));
  assert.ok(nodes.moving.moves.length > 0);
  mover.notify();
  await moved(nodes, mover);
  assert.ok(((await nodes.engines[added]?.usage())?.records ?? 0) > 0);
  await nodes.change((builder) => {
    builder.remove(1 as DeviceId);
    builder.rebalance({ nowMs: Date.now(), holdsData: true });
  });
  mover.notify();
  await moved(nodes, mover);
  const written = await load.stop();
  await check(cluster, written);
  await assertPlaced(nodes);
  assert.equal(nodes.ring.devices[1], undefined);
  await mover.close();
  assert.deepEqual(problems, []);
});

/** A mover with rings of its own, and then a device that is added. */
async function moverBeforeDevice(nodes: MemoryNodes, rings: LiveRing) {
  const problems: string[] = [];
  const mover = await nodes.openMover(DROP_AFTER_MS, (problem) => problems.push(problem), rings);
  await nodes.addNode();
  await nodes.change((builder) => void builder.rebalance({ nowMs: Date.now(), holdsData: true }));
  assert.ok(nodes.moving.moves.length > 0);
  mover.start();
  return { mover, problems };
}

test('a mover that reads of a device before it has heard of the ring asks for it, and goes on', async () => {
  await using nodes = await MemoryNodes.start(4);
  const { mover, problems } = await moverBeforeDevice(nodes, nodes.ringUnheard());
  await moved(nodes, mover);
  await mover.close();
  assert.deepEqual(problems, []);
});

test('a ring that never comes to the mover is told of', async () => {
  await using nodes = await MemoryNodes.start(4);
  const { mover, problems } = await moverBeforeDevice(nodes, new LiveRing(nodes.ring));
  const startedMs = Date.now();
  while (problems.length === 0) {
    assert.ok(Date.now() - startedMs < MOVED_MS_MAX, JSON.stringify(mover.status));
    await sleep(20);
  }
  await mover.close();
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /device 4 is not in the ring/);
});

test('a device whose disk is lost is replaced by an empty one, from the members that are left', async () => {
  await using nodes = await MemoryNodes.start(4);
  const cluster = await nodes.open('proxy-1');
  const load = new Load(cluster);
  await sleep(300);
  await nodes.stopNode(2);
  const added = await nodes.addNode();
  await nodes.change((builder) => {
    builder.remove(2 as DeviceId);
    builder.rebalance({ nowMs: Date.now(), holdsData: true });
  });
  const mover = await nodes.openMover(DROP_AFTER_MS);
  mover.start();
  await moved(nodes, mover);
  assert.equal(nodes.ring.devices[2], undefined);
  // With one of the old members away, the new device's copy decides.
  await nodes.stopNode(0);
  const written = await load.stop();
  await check(cluster, written);
  assert.ok(((await nodes.engines[added]?.usage())?.records ?? 0) > 0);
  await mover.close();
});

test('a mover that is stopped anywhere is followed by another that goes on', async () => {
  await using nodes = await MemoryNodes.start(4);
  const cluster = await nodes.open('proxy-1');
  const load = new Load(cluster);
  await sleep(200);
  await nodes.addNode();
  await nodes.change((builder) => void builder.rebalance({ nowMs: Date.now(), holdsData: true }));
  for (let life = 0; life < 5; life += 1) {
    const mover = await nodes.openMover(DROP_AFTER_MS);
    mover.start();
    await sleep(30 + 20 * life);
    await mover.close();
  }
  const last = await nodes.openMover(DROP_AFTER_MS);
  last.start();
  await moved(nodes, last);
  await check(cluster, await load.stop());
  await last.close();
});

test('partitions whose joining device dies are given back to their members, and wait for nobody', async () => {
  await using nodes = await MemoryNodes.start(4);
  const cluster = await nodes.open('proxy-1');
  for (let shard = 0; shard < SHARDS; shard += 1) await mutate(cluster, 'before', shard, 'there');
  const added = await nodes.addNode();
  await nodes.change((builder) => void builder.rebalance({ nowMs: Date.now(), holdsData: true }));
  const mover = await nodes.openMover(DROP_AFTER_MS);
  mover.start();
  while (!nodes.moving.moves.some(({ begun }) => begun)) await sleep(1);
  await nodes.stopNode(added);
  for (let shard = 0; shard < SHARDS; shard += 1) await mutate(cluster, 'after', shard, 'there');
  // The mover may be trying one again just now.
  const deadlineMs = performance.now() + 30_000;
  while (nodes.moving.moves.some(({ begun }) => begun)) {
    assert.ok(performance.now() < deadlineMs, 'a partition still waits for a device that is gone');
    await sleep(1);
  }
  await nodes.startNode(added);
  await moved(nodes, mover);
  await mover.close();
});

test('a joining device that answers and takes nothing is given back too, and what keeps it is told', async () => {
  await using nodes = await MemoryNodes.start(4);
  const cluster = await nodes.open('proxy-1');
  for (let shard = 0; shard < SHARDS; shard += 1) await mutate(cluster, 'before', shard, 'there');
  const added = await nodes.addNode();
  const engine = nodes.engines[added] ?? assert.fail();
  const writeRecord = engine.writeRecord.bind(engine);
  const raiseCeiling = engine.raiseCeiling.bind(engine);
  // From when it joins it is full, and lacks what had been copied.
  let isFull = false;
  Object.assign(engine, {
    raiseCeiling: async (clock: number) => {
      isFull = true;
      const range = { from: Buffer.alloc(0), to: Buffer.alloc(64, 0xff), limit: 10_000 };
      for (const { key, ballot } of await engine.rows(range)) await engine.dropRecord(key, ballot);
      await raiseCeiling(clock);
    },
    writeRecord: (...args: Parameters<typeof writeRecord>) =>
      isFull ? Promise.reject(new HoldfastError('device-full')) : writeRecord(...args),
  });
  await nodes.change((builder) => void builder.rebalance({ nowMs: Date.now(), holdsData: true }));
  const mover = await nodes.openMover(DROP_AFTER_MS);
  mover.start();
  while (mover.status.problem === undefined) await sleep(5);
  assert.match(mover.status.problem, /device 4 cannot join partition \d+: .*full|no room/);
  for (let shard = 0; shard < SHARDS; shard += 1)
    while (!(await mutated(cluster, 'after', shard))) await sleep(50);
  Object.assign(engine, { writeRecord, raiseCeiling });
  await moved(nodes, mover);
  await mover.close();
});

async function mutated(cluster: Cluster, name: string, shard: number): Promise<boolean> {
  try {
    await mutate(cluster, name, shard, 'there');
    return true;
  } catch {
    return false;
  }
}

test('a writer whose ballot only a lost majority has promised does not undo what the new members decide', async () => {
  await using nodes = await MemoryNodes.start(3);
  const cluster = await nodes.open('proxy-1');
  const key = keyOf('k', 0);
  const { ring, nodes: clients } = cluster.context;
  const { route, members } = placeRecord(cluster.context, key);
  const [first, second, third] = members as [DeviceId, DeviceId, DeviceId];
  const ask = (device: DeviceId, request: Prepare | Accept): Promise<NodeReply> =>
    new Promise((resolve) => clients.client(device, 'small').ask(device, request, resolve));
  // Another proxy's clock is ahead. The second and third member promise to it; the second alone takes what it writes, and is cut off.
  const ballot = { clock: (Date.now() + 60_000) * TICKS_PER_MS, writer: 7 };
  for (const device of [second, third])
    assert.equal((await ask(device, { type: 'prepare', route, key, ballot })).type, 'promised');
  const content = Buffer.from('undecided');
  const state = { ballot, history: [], horizon: ZERO_BALLOT, counted: NOTHING_COUNTED, live: true };
  const undecided = { ...state, summary: content, content };
  assert.equal((await ask(second, { type: 'accept', route, key, state: undecided })).type, 'accepted');
  await nodes.stopNode(second);
  // The third member is replaced: the first and the new one have never heard of that ballot.
  await nodes.addNode();
  await nodes.change((builder) => {
    builder.remove(third);
    builder.rebalance({ nowMs: Date.now(), holdsData: true });
  });
  const mover = await nodes.openMover(DROP_AFTER_MS);
  mover.start();
  await moved(nodes, mover);
  assert.notDeepEqual(nodes.ring.members(route.partition), ring.members(route.partition));
  await mutate(cluster, 'k', 0, 'decided');
  await nodes.startNode(second);
  await nodes.stopNode(first);
  assert.equal((await cluster.records.read(key))?.content.toString(), 'decided');
  await mover.close();
});
