/** Objects whose time is over are removed, whatever happens on the way, and nothing else is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster, Records } from '#cluster/cluster.ts';
import { type MemoryCluster, memoryCluster } from '#cluster/memory-cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import { spaceId } from '#common/ids.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { realClock } from '#common/io/real-clock.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { BucketDirectory } from '#proxy/buckets/bucket-directory.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { createBucket } from '#proxy/buckets/create-bucket.ts';
import { deleteBucket } from '#proxy/buckets/delete-bucket.ts';
import { ENTRY_SETTLED_MS } from '#proxy/objects/expiry-entry.ts';
import { EXPIRY_SHARDS, EXPIRY_SPACE } from '#proxy/objects/expiry-record.ts';
import { EncodedObject } from '#proxy/objects/object-record.ts';
import { readObject, removeObject, rewriteObject, writeObject } from '#proxy/objects/object-store.ts';
import { readVersion } from '#proxy/objects/object-versions.ts';
import { nothingExpired } from './expire-objects.ts';
import { expiryWork } from './expiry.ts';
import { Pace } from './pace.ts';

const account = spaceId('a'.repeat(32));
const ada = { account, accountName: 'ada' };
class Crash extends Error {}

/** The same cluster for a process that stops before or behind its n-th change of a record. */
function stoppingAfter(cluster: Cluster, changes: number): Cluster {
  let left = changes;
  const records: Records = {
    read: (key) => cluster.records.read(key),
    mutate: async (key, decide) => {
      if (left-- <= 0) throw new Crash();
      const result = await cluster.records.mutate(key, decide);
      if (left-- <= 0) throw new Crash();
      return result;
    },
  };
  return { ...cluster, records };
}

class Scene {
  readonly clock = new ManualClock();
  readonly cluster: MemoryCluster = memoryCluster({ nowMs: () => this.clock.nowMs() });
  readonly buckets = {
    cluster: this.cluster,
    clock: this.clock,
    randomness: seededRandomness(1),
    bucketShards: 2,
    onlyProxy: true,
  };
  readonly directory = new BucketDirectory(this.buckets);

  static async open(versioning?: BucketRecord['versioning']): Promise<Scene> {
    const scene = new Scene();
    await createBucket(scene.buckets, ada, 'box', undefined, versioning);
    return scene;
  }

  async lease() {
    const lease = await this.directory.leaseOwn(account, 'box');
    assert.ok(lease !== undefined);
    return lease;
  }

  inSeconds(seconds: number): number {
    return Math.floor(this.clock.nowMs() / 1000) + seconds;
  }

  async put(name: string, deleteAtSeconds?: number, cluster: Cluster = this.cluster): Promise<void> {
    const swift = deleteAtSeconds === undefined ? {} : { swift: { deleteAtSeconds } };
    const metadata = { etag: '0'.repeat(32), sizeBytes: 1, headers: {}, user: {}, ...swift };
    const object = new EncodedObject(metadata, { form: 'inline', bytes: Buffer.from('x') });
    await writeObject(cluster, await this.lease(), name, object);
  }

  async has(name: string): Promise<boolean> {
    return (await readObject(this.cluster, (await this.lease()).bucket, name)) !== undefined;
  }

  async entries(): Promise<number> {
    const { listings } = this.cluster;
    const all = { prefix: '', delimiter: '', limit: 1000, kind: recordKinds.expiry };
    return (await listings.list({ ...all, space: EXPIRY_SPACE, shards: EXPIRY_SHARDS })).entries.length;
  }

  async pass(cluster: Cluster = this.cluster) {
    const { clock, directory } = this;
    const figures = nothingExpired();
    await expiryWork({ cluster, clock, directory }).run(figures, new Pace(realClock()));
    return figures;
  }
}

test('an object goes when its time is over, and not before; its entry goes with it', async () => {
  const scene = await Scene.open();
  await scene.put('soon', scene.inSeconds(100));
  await scene.put('later', scene.inSeconds(1000));
  await scene.put('kept');
  assert.equal(await scene.entries(), 2);
  assert.equal((await scene.pass()).due, 0);
  scene.clock.advance(100_000);
  assert.deepEqual(await scene.pass(), { due: 1, expiredObjects: 1, staleEntries: 0, failures: 0 });
  assert.deepEqual(
    [await scene.has('soon'), await scene.has('later'), await scene.has('kept')],
    [false, true, true],
  );
  assert.equal(await scene.entries(), 1);
});

test('hundreds of objects that are due go in one pass', async () => {
  const scene = await Scene.open();
  for (let index = 0; index < 250; index++) await scene.put(`${index}`, scene.inSeconds(60 + (index % 3)));
  scene.clock.advance(120_000);
  assert.equal((await scene.pass()).expiredObjects, 250);
  assert.equal(await scene.entries(), 0);
});

test('an object that was replaced, re-posted or removed meanwhile is left alone', async () => {
  const scene = await Scene.open();
  for (const name of ['replaced', 'put-off', 'reprieved', 'removed'])
    await scene.put(name, scene.inSeconds(100));
  await scene.put('replaced');
  const lease = await scene.lease();
  const putOff = { deleteAtSeconds: scene.inSeconds(500) };
  await rewriteObject(scene.cluster, lease, 'put-off', undefined, ({ metadata }) => ({
    ...metadata,
    swift: putOff,
  }));
  await rewriteObject(scene.cluster, lease, 'reprieved', undefined, ({ metadata }) => ({
    ...metadata,
    swift: {},
  }));
  await removeObject(scene.cluster, lease, 'removed');
  scene.clock.advance(200_000);
  assert.deepEqual(await scene.pass(), { due: 4, expiredObjects: 0, staleEntries: 4, failures: 0 });
  assert.deepEqual(
    [await scene.has('replaced'), await scene.has('put-off'), await scene.has('reprieved')],
    [true, true, true],
  );
  scene.clock.advance(400_000);
  assert.equal((await scene.pass()).expiredObjects, 1);
  assert.equal(await scene.has('put-off'), false);
  assert.equal(await scene.entries(), 0);
});

test('where versioning is on, a delete marker takes the place and the version stays', async () => {
  const scene = await Scene.open('enabled');
  await scene.put('key', scene.inSeconds(100));
  const { bucket } = await scene.lease();
  const before = await readVersion(scene.cluster, bucket, 'key');
  assert.ok(before?.type === 'object');
  scene.clock.advance(100_000);
  assert.equal((await scene.pass()).expiredObjects, 1);
  assert.equal((await readVersion(scene.cluster, bucket, 'key'))?.type, 'delete-marker');
  const after = await readVersion(scene.cluster, bucket, 'key', before.record.version.id);
  assert.equal(after?.type, 'object');
});

test('an entry is not acted on while the write that it announces may be under way', async () => {
  const scene = await Scene.open();
  const atSeconds = scene.inSeconds(1);
  // The entry is there, the object is not.
  await assert.rejects(scene.put('slow', atSeconds, stoppingAfter(scene.cluster, 2)), Crash);
  scene.clock.advance(ENTRY_SETTLED_MS - 1000);
  assert.equal((await scene.pass()).due, 0);
  await scene.put('slow', atSeconds);
  scene.clock.advance(2000);
  // The second write has written the entry again.
  assert.equal((await scene.pass()).due, 0);
  scene.clock.advance(ENTRY_SETTLED_MS);
  assert.equal((await scene.pass()).expiredObjects, 1);
});

test('a write whose entry has become old before it is decided writes the entry again', async () => {
  const scene = await Scene.open();
  let delays = 1;
  const slow: Cluster = {
    ...scene.cluster,
    records: {
      read: (key) => scene.cluster.records.read(key),
      mutate: async (key, decide) => {
        const result = await scene.cluster.records.mutate(key, decide);
        if (key[16] === recordKinds.expiry && delays-- > 0) scene.clock.advance(ENTRY_SETTLED_MS);
        return result;
      },
    },
  };
  const from = scene.clock.nowMs();
  await scene.put('key', scene.inSeconds(1), slow);
  assert.equal(scene.clock.nowMs() - from, ENTRY_SETTLED_MS);
  assert.equal((await scene.pass()).due, 0);
  scene.clock.advance(ENTRY_SETTLED_MS);
  assert.equal((await scene.pass()).expiredObjects, 1);
});

test('a crash at any step of the write or of the pass leaves no object that stays for ever', async () => {
  for (let step = 0; step < 8; step++) {
    const scene = await Scene.open();
    const empty = scene.cluster.recordCount;
    await scene.put('key', scene.inSeconds(100), stoppingAfter(scene.cluster, step)).catch(() => undefined);
    scene.clock.advance(200_000);
    await scene.pass();
    assert.equal(scene.cluster.recordCount, empty, `a write that stopped at step ${step}`);
    await scene.put('key', scene.inSeconds(100));
    scene.clock.advance(200_000);
    await scene.pass(stoppingAfter(scene.cluster, step));
    await scene.pass();
    assert.equal(scene.cluster.recordCount, empty, `a pass that stopped at step ${step}`);
  }
});

test('entries of a bucket that is gone, or was made anew, go and touch nothing', async () => {
  const scene = await Scene.open();
  await scene.put('key', scene.inSeconds(100));
  await removeObject(scene.cluster, await scene.lease(), 'key');
  const { bucket } = await scene.lease();
  assert.equal(await deleteBucket(scene.buckets, scene.directory, bucket, 'box'), 'deleted');
  await createBucket(scene.buckets, ada, 'box');
  await scene.put('key');
  scene.clock.advance(200_000);
  assert.deepEqual(await scene.pass(), { due: 1, expiredObjects: 0, staleEntries: 1, failures: 0 });
  assert.equal(await scene.has('key'), true);
  assert.equal(await scene.entries(), 0);
});
