import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '#cluster/cluster.ts';
import { memoryCluster } from '#cluster/memory-cluster.ts';
import { hasCode } from '#common/errors.ts';
import { spaceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { realClock } from '#common/io/real-clock.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { encodeQuotas, quotaKey, type StoredQuotas } from '#control/protocol/quota-record.ts';
import { accountUsage } from '#control/protocol/account-usage.ts';
import { AccountStore } from '#proxy/accounts/account-store.ts';
import { BucketDirectory } from '#proxy/buckets/bucket-directory.ts';
import { createBucket } from '#proxy/buckets/create-bucket.ts';
import { EncodedObject } from '#proxy/objects/object-record.ts';
import { removeObject, writeObject } from '#proxy/objects/object-store.ts';
import { QuotaExceeded } from './quota-error.ts';
import { Quotas } from './quotas.ts';

const account = spaceId('a'.repeat(32));
const owner = { account, accountName: 'ada' };

function object(bytes: number): EncodedObject {
  const metadata = { etag: 'e'.repeat(32), sizeBytes: bytes, headers: {}, user: {} };
  return new EncodedObject(metadata, { form: 'inline', bytes: Buffer.alloc(bytes) });
}

/** One proxy as its cluster sees it: with its own idea of the time it takes to reach it. */
function openProxy(cluster: Cluster, clock: Clock, seed: number) {
  const randomness = seededRandomness(seed);
  const accounts = new AccountStore(cluster, clock);
  const quotas = new Quotas({ cluster, clock, randomness, accounts });
  const context = { cluster, clock, randomness, bucketShards: 3, onlyProxy: false, quotas };
  const directory = new BucketDirectory(context);
  return {
    create: (name: string) => createBucket(context, owner, name),
    async put(bucket: string, key: string, bytes: number): Promise<boolean> {
      const lease = await directory.lease(account, bucket);
      if (lease === undefined) throw new Error('there is no such bucket');
      try {
        const { outcome } = await writeObject(cluster, lease, key, object(bytes));
        return outcome === 'done';
      } catch (error) {
        if (hasCode(error, 'quota-exceeded')) return false;
        throw error;
      }
    },
    async remove(bucket: string, key: string): Promise<void> {
      const lease = await directory.lease(account, bucket);
      if (lease !== undefined) await removeObject(cluster, lease, key);
    },
  };
}

/** Every step takes its own time, some a long one, so that those of different writers mix. */
function slowed(cluster: Cluster, below: (bound: number) => number): Cluster {
  const pause = () =>
    new Promise<void>((resolve) => {
      setTimeout(resolve, below(below(6) === 0 ? 40 : 3));
    });
  return {
    bodies: cluster.bodies,
    records: {
      read: async (key) => {
        await pause();
        return cluster.records.read(key);
      },
      mutate: async (key, decide) => {
        await pause();
        const result = await cluster.records.mutate(key, decide);
        await pause();
        return result;
      },
    },
    listings: {
      list: (query) => cluster.listings.list(query),
      count: async (query) => {
        await pause();
        const counted = await cluster.listings.count(query);
        await pause();
        return counted;
      },
    },
  };
}

async function limit(cluster: Cluster, limits: StoredQuotas, of = account): Promise<void> {
  await cluster.records.mutate(quotaKey(of), (current) => ({
    action: 'write',
    ...encodeQuotas(limits, current?.content),
    result: undefined,
  }));
}

describe('quotas of objects', () => {
  test('a hundred writes at once through one proxy fill a quota to the last object', async () => {
    const cluster = memoryCluster({ nowMs: () => Date.now() });
    const proxy = openProxy(slowed(cluster, randomInt), realClock(), 1);
    await limit(cluster, { objects: 37 });
    await proxy.create('films');
    const done = await Promise.all(Array.from({ length: 100 }, (_, at) => proxy.put('films', `o${at}`, 10)));
    assert.equal(done.filter(Boolean).length, 37);
    assert.equal((await accountUsage(cluster, account)).objects, 37);
    await proxy.remove('films', `o${done.indexOf(true)}`);
    assert.equal(await proxy.put('films', 'another', 10), true);
    assert.equal(await proxy.put('films', 'one too many', 10), false);
  });

  test('a hundred writes and removals at once, of any length, through three proxies pass no limit', async (t) => {
    const seed = randomInt(2 ** 31);
    t.diagnostic(`seed ${seed}`);
    const randomness = seededRandomness(seed);
    for (let round = 0; round < 2; round += 1) {
      const cluster = memoryCluster({ nowMs: () => Date.now() });
      const proxies = [1, 2, 3].map((each) =>
        openProxy(
          slowed(cluster, (bound) => randomness.below(bound)),
          realClock(),
          seed + each,
        ),
      );
      const limits = { bytes: 20_000 + randomness.below(50_000), objects: 20 + randomness.below(50) };
      await limit(cluster, limits);
      await proxies[0]?.create('films');
      await proxies[1]?.create('music');
      const writes = Array.from({ length: 100 }, async (_, at) => {
        const proxy = proxies[randomness.below(3)];
        const bucket = randomness.below(2) === 0 ? 'films' : 'music';
        await sleep(randomness.below(150));
        const isDone = await proxy?.put(bucket, `o${at}`, randomness.below(3000));
        const usage = await accountUsage(cluster, account);
        assert.ok(usage.bytes <= limits.bytes && usage.objects <= limits.objects, JSON.stringify(usage));
        if (isDone === true && randomness.below(5) === 0) await proxy?.remove(bucket, `o${at}`);
        return isDone;
      });
      const done = (await Promise.all(writes)).filter((each) => each === true).length;
      assert.ok(done > 0, 'some were written');
    }
  });

  test('containers are counted, a refused one leaves nothing, and one that is there may be created again', async () => {
    const cluster = memoryCluster({ nowMs: () => Date.now() });
    const proxy = openProxy(slowed(cluster, randomInt), realClock(), 1);
    await limit(cluster, { containers: 5 });
    const names = Array.from({ length: 20 }, (_, at) => `bucket-${at}`);
    const outcomes = await Promise.all(
      names.map((name) =>
        proxy.create(name).catch((error: unknown) => {
          assert.ok(error instanceof QuotaExceeded);
          return error.limited;
        }),
      ),
    );
    assert.equal(outcomes.filter((outcome) => outcome === 'created').length, 5);
    assert.equal(outcomes.filter((outcome) => outcome === 'containers').length, 15);
    const there = names[outcomes.indexOf('created')] as string;
    assert.equal(await proxy.create(there), 'owned-already');
    await limit(cluster, {});
  });

  test('a limit of the account stands before the default, and -1 says that there is none', async () => {
    const clock = new ManualClock();
    const cluster = memoryCluster({ nowMs: () => clock.nowMs() });
    const proxy = openProxy(cluster, clock, 1);
    await limit(cluster, { objects: 1 }, spaceId('0'.repeat(32)));
    await proxy.create('films');
    assert.equal(await proxy.put('films', 'one', 1), true);
    assert.equal(await proxy.put('films', 'two', 1), false);
    await limit(cluster, { objects: 2 });
    clock.advance(1001);
    assert.equal(await proxy.put('films', 'two', 1), true);
    assert.equal(await proxy.put('films', 'three', 1), false);
    await limit(cluster, { objects: -1 });
    clock.advance(1001);
    assert.equal(await proxy.put('films', 'three', 1), true);
  });

  test('what a proxy that died had reserved is free after half a minute', async () => {
    const clock = new ManualClock();
    const cluster = memoryCluster({ nowMs: () => clock.nowMs() });
    const dying = new Quotas({
      cluster,
      clock,
      randomness: seededRandomness(1),
      accounts: new AccountStore(cluster, clock),
    });
    const proxy = openProxy(cluster, clock, 2);
    await limit(cluster, { bytes: 100 });
    await proxy.create('films');
    const lease = await new BucketDirectory({
      cluster,
      clock,
      randomness: seededRandomness(3),
      bucketShards: 3,
      onlyProxy: false,
    }).lease(account, 'films');
    assert.ok(lease);
    const held = await dying.takeForObject(lease.bucket, 60);
    held?.assertHeld();
    const refused = proxy.put('films', 'one', 60);
    const timer = setInterval(() => clock.advance(100), 1);
    const isDone = await refused.finally(() => clearInterval(timer));
    assert.equal(isDone, false);
    clock.advance(10_000);
    assert.throws(() => held?.assertHeld(), { code: 'overloaded' });
    clock.advance(20_000);
    assert.equal(await proxy.put('films', 'one', 60), true);
  });
});
