import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type MemoryCluster, memoryCluster } from '#cluster/memory-cluster.ts';
import type { Cluster } from '#cluster/cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { createProcessLogger } from '#common/log/logger.ts';
import {
  decodeSample,
  decodeTraffic,
  METERING_SHARDS,
  METERING_SPACE,
  type TrafficRecord,
} from '#control/protocol/metering-record.ts';
import { ada, bob, openTestBed } from '#proxy/s3/s3-test-bed.ts';
import type { RequestTrace } from '#proxy/traffic/request-trace.ts';
import { Traffic } from '#proxy/traffic/traffic.ts';
import { Meter } from './meter.ts';
import { StorageSampler } from './storage-sampler.ts';

const log = createProcessLogger('error', {});
const account = ada.principal.account;
const HOUR_MS = 3_600_000;

async function rows(cluster: Cluster, kind: 12 | 13): Promise<Map<string, Buffer>> {
  const query = {
    space: METERING_SPACE,
    kind,
    shards: METERING_SHARDS,
    prefix: '',
    delimiter: '',
    limit: 1000,
  };
  const { entries } = await cluster.listings.list(query);
  return new Map(entries.flatMap((entry) => (entry.type === 'row' ? [[entry.name, entry.summary]] : [])));
}

async function traffic(cluster: Cluster): Promise<TrafficRecord[]> {
  return [...(await rows(cluster, recordKinds.traffic)).values()].map(decodeTraffic);
}

function trace(): RequestTrace {
  return { door: 's3', operation: 'getObject', account, method: 'GET', namesObject: true };
}

function failing(cluster: MemoryCluster, isDown: () => boolean): Cluster {
  return {
    bodies: cluster.bodies,
    listings: cluster.listings,
    records: {
      read: (key) => cluster.records.read(key),
      async mutate(key, decide) {
        const result = await cluster.records.mutate(key, decide);
        // It has taken effect, and nobody heard of it.
        if (isDown()) throw new HoldfastError('outcome-unknown');
        return result;
      },
    },
  };
}

describe('metering', () => {
  test('requests are counted by class for the bucket’s account, whoever sends them; those that are refused for nobody', async () => {
    const clock = new ManualClock();
    const cluster = memoryCluster({ nowMs: () => clock.nowMs() });
    const meter = new Meter({ cluster, clock, randomness: seededRandomness(1), log });
    const finished = Promise.withResolvers<void>();
    let left = 9;
    const last = { transferred: () => {}, finished: () => (--left === 0 ? finished.resolve() : undefined) };
    await using bed = await openTestBed({ cluster, traffic: new Traffic(clock, [meter, last]) });
    await bed.send({ method: 'PUT', path: '/films' });
    await bed.send({ method: 'PUT', path: '/films/one', body: Buffer.alloc(5000) });
    await bed.send({ method: 'GET', path: '/films/one' });
    await bed.send({ method: 'HEAD', path: '/films/one' });
    await bed.send({ method: 'GET', path: '/films' });
    await bed.send({ method: 'GET', path: '/films/none' });
    await bed.send({ method: 'DELETE', path: '/films/one' });
    await bed.send({ method: 'GET', path: '/films/one', as: bob });
    await bed.send({ method: 'GET', path: '/', as: bob });
    await finished.promise;
    await meter.flush();
    const found = await rows(cluster, recordKinds.traffic);
    const ofAda = [...found].filter(([name]) => name.includes(account)).map(([, row]) => decodeTraffic(row));
    assert.equal(ofAda.length, 1);
    assert.deepEqual(ofAda[0]?.requests, { read: 3, list: 1, write: 2, delete: 1 });
    assert.ok(ofAda[0].bytesIn > 5000 && ofAda[0].bytesIn < 12_000, `${ofAda[0].bytesIn} bytes in`);
    assert.ok(ofAda[0].bytesOut > 5000 && ofAda[0].bytesOut < 12_000, `${ofAda[0].bytesOut} bytes out`);
    assert.equal(found.size, 2, 'bob’s listing of his own buckets is his');
  });

  test('an hour that comes again, because the clock was set back, keeps what it had', async () => {
    const clock = new ManualClock();
    const cluster = memoryCluster({ nowMs: () => clock.nowMs() });
    const meter = new Meter({ cluster, clock, randomness: seededRandomness(1), log });
    const carry = async (bytesIn: number): Promise<void> => {
      meter.transferred(trace(), { bytesIn, bytesOut: 0 }, undefined);
      await meter.flush();
    };
    clock.advance(HOUR_MS - 60_000);
    await carry(1000);
    await carry(1000);
    clock.advance(120_000);
    await meter.flush();
    clock.stepWall(-120_000);
    for (let time = 0; time < 5; time += 1) await carry(1);
    clock.advance(120_000);
    await carry(7);
    const total = (await traffic(cluster)).reduce((sum, { bytesIn }) => sum + bytesIn, 0);
    assert.equal(total, 2012);
  });

  test('a write that is repeated because nobody heard of it counts once', async () => {
    const clock = new ManualClock();
    const cluster = memoryCluster({ nowMs: () => clock.nowMs() });
    let isDown = true;
    const flaky = failing(cluster, () => isDown);
    const meter = new Meter({ cluster: flaky, clock, randomness: seededRandomness(1), log: silent });
    for (let round = 0; round < 5; round += 1) {
      meter.transferred(trace(), { bytesIn: 10, bytesOut: 100 }, undefined);
      meter.finished({ trace: trace(), status: 200, seconds: 1 });
      isDown = round % 2 === 0;
      await meter.flush();
    }
    isDown = false;
    await meter.flush();
    await meter.flush();
    const records = await traffic(cluster);
    assert.deepEqual(
      records.map(({ requests, bytesIn, bytesOut }) => [requests.read, bytesIn, bytesOut]),
      [[5, 50, 500]],
    );
  });

  test('each hour and each run of a process has its own record', async () => {
    const clock = new ManualClock();
    const cluster = memoryCluster({ nowMs: () => clock.nowMs() });
    for (const seed of [1, 2]) {
      const meter = new Meter({ cluster, clock, randomness: seededRandomness(seed), log });
      meter.finished({ trace: trace(), status: 200, seconds: 1 });
      clock.advance(3_600_000);
      meter.finished({ trace: trace(), status: 404, seconds: 1 });
      await meter.close();
    }
    const names = [...(await rows(cluster, recordKinds.traffic)).keys()].map((name) => name.slice(0, 13));
    assert.deepEqual(names, ['2026-01-01T00', '2026-01-01T01', '2026-01-01T01', '2026-01-01T02']);
    assert.deepEqual(
      (await traffic(cluster)).map(({ requests }) => requests.read),
      [1, 1, 1, 1],
    );
  });

  test('what accounts hold is sampled once an hour, exactly, whoever looks', async () => {
    const clock = new ManualClock();
    const cluster = memoryCluster({ nowMs: () => clock.nowMs() });
    const meter = new Meter({ cluster, clock, randomness: seededRandomness(1), log });
    await using bed = await openTestBed({ cluster, clock, traffic: new Traffic(clock, [meter]) });
    // A request's signature bears the time of now, which this clock knows nothing of.
    await bed.send({ method: 'PUT', path: '/films', headers: amzDate(clock) });
    await bed.send({ method: 'PUT', path: '/films/one', body: Buffer.alloc(700), headers: amzDate(clock) });
    await bed.send({ method: 'PUT', path: '/films/two', body: Buffer.alloc(30), headers: amzDate(clock) });
    await meter.flush();
    const samplers = [1, 2].map(
      (seed) => new StorageSampler({ cluster, clock, randomness: seededRandomness(seed), log }),
    );
    const taken: number[] = [];
    for (const sampler of samplers) taken.push(await sampler.sample());
    clock.advance(3_600_000);
    for (const sampler of samplers.toReversed()) taken.push(await sampler.sample());
    assert.deepEqual(taken, [1, 0, 1, 0]);
    const samples = [...(await rows(cluster, recordKinds.storageSample)).values()].map(decodeSample);
    assert.deepEqual(
      samples.map(({ bytes, objects, containers }) => [bytes, objects, containers]),
      [
        [730, 2, 1],
        [730, 2, 1],
      ],
    );
  });
});

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

function amzDate(clock: ManualClock): Record<string, string> {
  return { 'X-Amz-Date': new Date(clock.nowMs()).toISOString().replace(/[-:]|\.\d{3}/g, '') };
}
