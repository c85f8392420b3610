/** Creation and deletion with a crash at every step, other proxies in between, and leases that run out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '#cluster/cluster.ts';
import { memoryCluster } from '#cluster/memory-cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import { spaceId } from '#common/ids.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { abortUpload } from '#proxy/objects/abort-upload.ts';
import { newUploadId } from '#proxy/objects/upload-record.ts';
import { createUpload } from '#proxy/objects/upload-store.ts';
import { EncodedObject } from '#proxy/objects/object-record.ts';
import { readObject, writeObject } from '#proxy/objects/object-store.ts';
import { type BucketContext, DELETION_MS_MAX, LEASE_MS, LEASE_WAIT_MS } from './bucket-context.ts';
import { BucketDirectory } from './bucket-directory.ts';
import { createBucket } from './create-bucket.ts';
import { deleteBucket } from './delete-bucket.ts';

const ada = { account: spaceId('a'.repeat(32)), accountName: 'ada' };
const bob = { account: spaceId('b'.repeat(32)), accountName: 'bob' };
const randomness = realRandomness();

interface Proxy {
  readonly context: BucketContext;
  readonly directory: BucketDirectory;
}

function proxyOn(cluster: Cluster, clock: ManualClock, onlyProxy = true): Proxy {
  const context = { cluster, clock, randomness, bucketShards: 2, onlyProxy };
  return { context, directory: new BucketDirectory(context) };
}

class Crash extends Error {}

/** The same cluster, seen by a process that dies before its mutation number `steps`. */
function dying(cluster: Cluster, steps: number): Cluster {
  let left = steps;
  return {
    ...cluster,
    records: {
      read: (key) => cluster.records.read(key),
      mutate: (key, decide) => {
        if (left-- <= 0) return Promise.reject(new Crash());
        return cluster.records.mutate(key, decide);
      },
    },
  };
}

async function listed(cluster: Cluster, account = ada.account): Promise<string[]> {
  const { bucket: kind } = recordKinds;
  const page = await cluster.listings.list({
    space: account,
    kind,
    shards: 1,
    prefix: '',
    delimiter: '',
    limit: 100,
  });
  return page.entries.map((entry) => (entry.type === 'row' ? entry.name : ''));
}

async function remove(proxy: Proxy, name: string) {
  const bucket = await proxy.directory.find(ada.account, name);
  if (bucket === undefined) return 'missing';
  return deleteBucket(proxy.context, proxy.directory, bucket, name);
}

const object = (text: string) =>
  new EncodedObject(
    { etag: 'e', sizeBytes: text.length, headers: {}, user: {} },
    { form: 'inline', bytes: Buffer.from(text) },
  );

test('wherever a creation dies, the list tells what is there, and a repeat finishes it', async () => {
  for (let steps = 0; steps < 3; steps++) {
    const cluster = memoryCluster({ nowMs: () => 0 });
    const clock = new ManualClock();
    const mortal = proxyOn(dying(cluster, steps), clock);
    const proxy = proxyOn(cluster, clock);
    await createBucket(mortal.context, ada, 'box').catch((error: unknown) =>
      assert.ok(error instanceof Crash),
    );
    const found = await proxy.directory.find(ada.account, 'box');
    assert.deepEqual(await listed(cluster), found === undefined ? [] : ['box']);
    assert.equal(await createBucket(proxy.context, bob, 'box'), steps === 0 ? 'created' : 'owned-by-another');
    if (steps === 0) continue;
    await createBucket(proxy.context, ada, 'box');
    assert.deepEqual(await listed(cluster), ['box']);
    assert.equal(await remove(proxy, 'box'), 'deleted');
    assert.equal(cluster.recordCount, 0, 'claim and record belong together, and go together');
  }
});

test('wherever a deletion dies, repeating it finishes it, and so does creating the bucket again', async () => {
  for (let steps = 0; steps < 4; steps++) {
    for (const repeat of ['delete', 'create'] as const) {
      const cluster = memoryCluster({ nowMs: () => 0 });
      const clock = new ManualClock();
      const proxy = proxyOn(cluster, clock);
      await createBucket(proxy.context, ada, 'box');
      await remove(proxyOn(dying(cluster, steps), clock), 'box').catch((error: unknown) =>
        assert.ok(error instanceof Crash),
      );
      if (repeat === 'create') {
        await createBucket(proxy.context, ada, 'box');
        assert.deepEqual(await listed(cluster), ['box']);
        assert.ok((await proxy.directory.lease(ada.account, 'box')) !== undefined, 'it takes writes again');
      }
      await remove(proxy, 'box');
      assert.deepEqual(await listed(cluster), []);
      assert.equal(await createBucket(proxy.context, ada, 'box'), 'created');
    }
  }
});

test('a bucket whose deletion died refuses writes for a minute, and then takes them', async () => {
  const cluster = memoryCluster({ nowMs: () => 0 });
  const clock = new ManualClock();
  const proxy = proxyOn(cluster, clock);
  await createBucket(proxy.context, ada, 'box');
  // Two steps: the mark is written, and neither the removal nor the call-off.
  await assert.rejects(remove(proxyOn(dying(cluster, 1), clock), 'box'), Crash);
  clock.advance(LEASE_MS);
  await assert.rejects(proxy.directory.lease(ada.account, 'box'), { reason: 'deleting' });
  assert.ok((await proxy.directory.find(ada.account, 'box')) !== undefined, 'reads go on');
  clock.advance(DELETION_MS_MAX);
  const lease = await proxy.directory.lease(ada.account, 'box');
  assert.equal(lease?.isValid(), true);
});

test('a lease of another proxy is waited out, and a write under it is either seen or refused', async () => {
  const cluster = memoryCluster({ nowMs: () => 0 });
  const clock = new ManualClock();
  const writer = proxyOn(cluster, clock, false);
  const remover = proxyOn(cluster, clock, false);
  await createBucket(writer.context, ada, 'box');
  const lease = await writer.directory.lease(ada.account, 'box');
  assert.ok(lease !== undefined);
  const removal = remove(remover, 'box');
  await settle();
  await writeObject(cluster, lease, 'in-time', object('x'));
  clock.advance(LEASE_WAIT_MS);
  assert.equal(await removal, 'not-empty', 'what was written under the lease is seen');
  assert.ok((await readObject(cluster, lease.bucket, 'in-time')) !== undefined);
});

test('a write whose lease has run out begins again, and learns that the bucket is gone', async () => {
  const cluster = memoryCluster({ nowMs: () => 0 });
  const clock = new ManualClock();
  const writer = proxyOn(cluster, clock, false);
  const remover = proxyOn(cluster, clock, false);
  await createBucket(writer.context, ada, 'box');
  const lease = await writer.directory.lease(ada.account, 'box');
  assert.ok(lease !== undefined);
  const removal = remove(remover, 'box');
  await settle();
  clock.advance(LEASE_WAIT_MS);
  assert.equal(await removal, 'deleted');
  await assert.rejects(writeObject(cluster, lease, 'late', object('x')), { reason: 'missing' });
  assert.equal(cluster.recordCount, 0);
});

test('what is begun after a deletion was called off is not removed by it', async () => {
  const cluster = memoryCluster({ nowMs: () => 0 });
  const clock = new ManualClock();
  const owner = proxyOn(cluster, clock);
  await createBucket(owner.context, ada, 'box');
  const gate = Promise.withResolvers<void>();
  let isHeld = false;
  const slow: Cluster = {
    ...cluster,
    listings: {
      ...cluster.listings,
      list: async (query) => {
        if (query.kind === recordKinds.upload && !isHeld) {
          isHeld = true;
          await gate.promise;
        }
        return await cluster.listings.list(query);
      },
    },
  };
  const removal = remove(proxyOn(slow, clock), 'box');
  while (!isHeld) await settle();
  clock.advance(5);
  await createBucket(owner.context, ada, 'box');
  const lease = await owner.directory.lease(ada.account, 'box');
  assert.ok(lease !== undefined);
  const uploadId = newUploadId(clock.nowMs(), randomness);
  await createUpload(cluster, lease, 'film', uploadId, {
    initiatedMs: clock.nowMs(),
    headers: {},
    user: {},
  });
  gate.resolve();
  assert.equal(await removal, 'overtaken');
  assert.equal(await abortUpload(cluster, lease.bucket, 'film', uploadId, clock.nowMs()), 'done');
});

test('a write that reaches its replicas only after the bucket was removed is not acknowledged', async () => {
  const cluster = memoryCluster({ nowMs: () => 0 });
  const clock = new ManualClock();
  const writer = proxyOn(cluster, clock, false);
  const remover = proxyOn(cluster, clock, false);
  await createBucket(writer.context, ada, 'box');
  const lease = await writer.directory.lease(ada.account, 'box');
  assert.ok(lease !== undefined);
  const slow: Cluster = {
    ...cluster,
    records: {
      read: (key) => cluster.records.read(key),
      mutate: async (key, decide) => {
        // Decided under a valid lease; then the replicas take so long that a whole deletion passes.
        const decision = decide(undefined, { clock: 1, writer: 1 });
        const removal = remove(remover, 'box');
        await settle();
        clock.advance(LEASE_WAIT_MS);
        assert.equal(await removal, 'deleted');
        return cluster.records.mutate(key, () => decision);
      },
    },
  };
  await assert.rejects(writeObject(slow, lease, 'late', object('x')), { reason: 'missing' });
});

test('two accounts that race for a name: one gets it', async () => {
  const cluster = memoryCluster({ nowMs: () => 0 });
  const clock = new ManualClock();
  const outcomes = await Promise.all(
    [ada, bob, ada, bob].map((owner) => createBucket(proxyOn(cluster, clock).context, owner, 'box')),
  );
  const owners = [...(await listed(cluster, ada.account)), ...(await listed(cluster, bob.account))];
  assert.deepEqual(owners, ['box']);
  assert.equal(outcomes.filter((outcome) => outcome === 'owned-by-another').length, 2);
});

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
