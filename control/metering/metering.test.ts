import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type MemoryCluster, memoryCluster } from '#cluster/memory-cluster.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { type SpaceId, spaceId } from '#common/ids.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { createProcessLogger } from '#common/log/logger.ts';
import { at, ServedIdentity, textAt } from '../identity/served-identity.fixture.ts';
import {
  accountRowKey,
  encodeRow,
  type Hour,
  hourOf,
  laterHour,
  parseHour,
  sampleKey,
  trafficKey,
} from '../protocol/metering-record.ts';
import { prefixed } from '../store/key-range.ts';
import { memoryStore } from '../store/memory-store.ts';
import { put } from '../store/operations.ts';
import { Aggregator } from './aggregate.ts';
import { noUsage } from './hourly-usage.ts';
import { reportUsage, usageCsv } from './usage-report.ts';
import { usageRoutes } from './usage-routes.ts';

const log = createProcessLogger('error', {});
const ada = spaceId('a'.repeat(32));
const bob = spaceId('b'.repeat(32));
const HOUR_MS = 3_600_000;

function hour(text: string): Hour {
  const found = parseHour(text)?.hour;
  assert.ok(found !== undefined);
  return found;
}

async function write(cluster: MemoryCluster, key: RecordKey, row: object): Promise<void> {
  await cluster.records.mutate(key, () => ({ action: 'write', ...encodeRow(row), result: undefined }));
}

async function noteTraffic(cluster: MemoryCluster, at: Hour, account: SpaceId, run: string, reads: number) {
  await write(cluster, accountRowKey(account), {});
  await write(cluster, trafficKey(at, account, run), {
    sequence: 1,
    requests: { read: reads, list: 1, write: 2, delete: 3 },
    bytesIn: 10 * reads,
    bytesOut: 1000 * reads,
  });
}

function noteSample(cluster: MemoryCluster, at: Hour, account: SpaceId, bytes: number) {
  return write(cluster, sampleKey(at, account), { bytes, objects: 2, containers: 1, sampledMs: 5 });
}

function bench() {
  const clock = new ManualClock();
  const cluster = memoryCluster({ nowMs: () => clock.nowMs() });
  const store = memoryStore({ clock, randomness: seededRandomness(1) });
  return { clock, cluster, store, aggregator: new Aggregator({ cluster, store, clock, log }) };
}

describe('hourly sums', () => {
  test('add up the runs of an hour, and are the same however often an hour is gone over', async () => {
    const { clock, cluster, aggregator } = bench();
    const first = hourOf(clock.nowMs());
    await noteTraffic(cluster, first, ada, '01', 5);
    await noteTraffic(cluster, first, ada, '02', 7);
    await noteTraffic(cluster, first, bob, '01', 1);
    await noteSample(cluster, first, ada, 700);
    for (let pass = 0; pass < 3; pass += 1) await aggregator.aggregate();
    clock.advance(HOUR_MS);
    // A proxy was late: the hour is gone over again.
    await noteTraffic(cluster, first, ada, '02', 8);
    await aggregator.aggregate();
    const rows = await reportUsage(cluster, { from: first, to: hour('2026-01-01T01'), by: 'hour' });
    assert.deepEqual(
      rows.map(({ project, usage }) => [project, usage.requests.read, usage.bytesIn, usage.byteHours]),
      [
        [ada, 13, 130, 700],
        [bob, 1, 10, 0],
      ],
    );
    assert.deepEqual(rows[0]?.usage.requests, { read: 13, list: 2, write: 4, delete: 6 });
  });

  test('what a proxy could not write for hours is counted when it comes', async () => {
    const { clock, cluster, aggregator } = bench();
    const first = hourOf(clock.nowMs());
    await noteTraffic(cluster, first, ada, '01', 5);
    await aggregator.aggregate();
    for (let passed = 0; passed < 20; passed += 1) {
      clock.advance(HOUR_MS);
      await aggregator.aggregate();
    }
    await noteTraffic(cluster, first, ada, '02', 7);
    clock.advance(HOUR_MS);
    await aggregator.aggregate();
    const [row] = await reportUsage(cluster, { from: first, to: hourOf(clock.nowMs()), by: 'project' });
    assert.equal(row?.usage.requests.read, 12);
  });

  test('what a project holds is told while its hour has no sample yet', async () => {
    const { clock, cluster, aggregator } = bench();
    const first = hourOf(clock.nowMs());
    await noteSample(cluster, first, ada, 700);
    await aggregator.aggregate();
    clock.advance(HOUR_MS);
    const present = hourOf(clock.nowMs());
    await noteTraffic(cluster, present, ada, '01', 1);
    await aggregator.aggregate();
    const usageOf = async (from: Hour) => {
      const [row] = await reportUsage(cluster, { from, to: hour('2026-01-01T02'), by: 'project' });
      return { bytes: row?.usage.bytes, objects: row?.usage.objects, byteHours: row?.usage.byteHours };
    };
    assert.deepEqual(await usageOf(first), { bytes: 700, objects: 2, byteHours: 700 });
    assert.deepEqual(await usageOf(present), { bytes: 700, objects: 2, byteHours: 0 });
  });

  test('an hour without a sample goes by the one before it, for a day', async () => {
    const { clock, cluster, aggregator } = bench();
    await write(cluster, accountRowKey(ada), {});
    await noteSample(cluster, hourOf(clock.nowMs()), ada, 100);
    await aggregator.aggregate();
    clock.advance(30 * HOUR_MS);
    await noteSample(cluster, hourOf(clock.nowMs()), ada, 40);
    await aggregator.aggregate();
    const rows = await reportUsage(cluster, {
      project: ada,
      from: hour('2026-01-01T00'),
      to: hour('2026-01-03T00'),
      by: 'hour',
    });
    const ages = rows.map(({ usage }) => usage.sampleAgeHours);
    assert.deepEqual(ages, [...Array.from({ length: 25 }, (_, age) => age), 0]);
    assert.equal(rows.at(-1)?.usage.byteHours, 40);
    const [total] = await reportUsage(cluster, {
      from: hour('2026-01-01T00'),
      to: hour('2026-01-03T00'),
      by: 'project',
    });
    assert.equal(total?.usage.byteHours, 25 * 100 + 40);
  });

  test('hours before the first of which anything is known are not asked for, later ones are made up for', async () => {
    const { clock, cluster, store } = bench();
    let lists = 0;
    const counted = {
      ...cluster.listings,
      list: (...asked: Parameters<typeof cluster.listings.list>) => {
        lists += 1;
        return cluster.listings.list(...asked);
      },
    };
    const parts = { cluster: { ...cluster, listings: counted }, store, clock, log };
    await new Aggregator(parts).aggregate();
    assert.ok(lists < 10, `${lists} listings where nothing is known`);

    const first = hourOf(clock.nowMs());
    await noteTraffic(cluster, first, ada, '01', 5);
    clock.advance(5 * HOUR_MS);
    const late = memoryStore({ clock, randomness: seededRandomness(2) });
    await new Aggregator({ ...parts, store: late }).aggregate();
    const rows = await reportUsage(cluster, { from: first, to: hourOf(clock.nowMs()), by: 'hour' });
    assert.deepEqual(
      rows.map(({ usage }) => usage.requests.read),
      [5],
    );
  });

  test('an hour without use has a sum only when something was held before it', async () => {
    const { clock, cluster, aggregator } = bench();
    const first = hourOf(clock.nowMs());
    await noteTraffic(cluster, first, ada, '01', 5);
    for (const bytes of [700, 0, 0, 0]) {
      const objects = bytes > 0 ? 2 : 0;
      const sample = { bytes, objects, containers: 0, sampledMs: 5 };
      await write(cluster, sampleKey(hourOf(clock.nowMs()), ada), sample);
      await aggregator.aggregate();
      clock.advance(HOUR_MS);
      await aggregator.aggregate();
    }
    const range = { from: first, to: hour('2026-01-02T00') };
    const rows = await reportUsage(cluster, { ...range, by: 'hour' });
    assert.deepEqual(
      rows.map(({ usage }) => usage.bytes),
      [700, 0],
    );
    const [total] = await reportUsage(cluster, { ...range, by: 'project' });
    assert.deepEqual([total?.usage.bytes, total?.usage.byteHours], [0, 700]);
  });

  test('hours that nobody could sum up for longer than records stay are summed up before they go', async () => {
    const { clock, cluster, aggregator } = bench();
    const first = hourOf(clock.nowMs());
    await aggregator.aggregate();
    for (let day = 0; day < 10; day += 1) {
      await noteTraffic(cluster, hourOf(clock.nowMs()), ada, '01', 1);
      clock.advance(24 * HOUR_MS);
    }
    await aggregator.aggregate();
    const range = { from: first, to: hourOf(clock.nowMs()) };
    const [total] = await reportUsage(cluster, { ...range, by: 'project' });
    assert.equal(total?.usage.requests.read, 10);
    assert.equal(await cluster.records.read(trafficKey(first, ada, '01')), undefined);
  });

  test('a record that cannot be read takes no other with it, and stays', async () => {
    const { clock, cluster, aggregator } = bench();
    const first = hourOf(clock.nowMs());
    await noteTraffic(cluster, first, ada, '01', 5);
    const newer = trafficKey(first, bob, '01');
    await cluster.records.mutate(newer, () => ({
      action: 'write',
      summary: Buffer.from([2, 1, 2, 3]),
      content: Buffer.alloc(0),
      result: undefined,
    }));
    await aggregator.aggregate();
    clock.advance(8 * 24 * HOUR_MS);
    await aggregator.aggregate();
    const range = { from: first, to: hourOf(clock.nowMs()) };
    const [row] = await reportUsage(cluster, { ...range, by: 'project' });
    assert.deepEqual([row?.project, row?.usage.requests.read], [ada, 5]);
    assert.equal(await cluster.records.read(trafficKey(first, ada, '01')), undefined);
    assert.notEqual(await cluster.records.read(newer), undefined);
  });

  test('years in which nothing was noted are not gone over one by one', async () => {
    const { clock, cluster, store } = bench();
    let lists = 0;
    const list: typeof cluster.listings.list = (asked) => {
      lists += 1;
      return cluster.listings.list(asked);
    };
    const counted = { ...cluster, listings: { ...cluster.listings, list } };
    await store.transact({ then: [put('metering/through', Buffer.from('1970-01-01T00'))] });
    const now = hourOf(clock.nowMs());
    await noteTraffic(cluster, now, ada, '01', 5);
    await new Aggregator({ cluster: counted, store, clock, log }).aggregate();
    assert.ok(lists < 1000, `${lists} listings`);
    const [row] = await reportUsage(cluster, { from: now, to: laterHour(now, 1), by: 'hour' });
    assert.equal(row?.usage.requests.read, 5);
  });

  test('sums of earlier versions move from the control store to the cluster', async () => {
    const { clock, cluster, store, aggregator } = bench();
    await write(cluster, accountRowKey(ada), {});
    const old = Array.from({ length: 100 }, (_, age) => laterHour(hourOf(clock.nowMs()), -1 - age));
    for (const at of old) {
      const value = Buffer.from(JSON.stringify({ ...noUsage, bytesIn: 3 }));
      await store.transact({ then: [put(`metering/project/${ada}/${at}`, value)] });
    }
    const broken = `metering/project/${bob}/2025-12-31T09`;
    await store.transact({ then: [put(broken, Buffer.from('{"requests":'))] });
    await aggregator.aggregate();
    const { entries } = await store.range(prefixed('metering/project/'));
    assert.deepEqual(
      entries.map(({ key }) => key),
      [broken],
    );
    const from = old.at(-1) as Hour;
    const [total] = await reportUsage(cluster, { from, to: hourOf(clock.nowMs()), by: 'project' });
    assert.equal(total?.usage.bytesIn, 300);
  });

  test('a proxy’s records go after a week, the sums stay', async () => {
    const { clock, cluster, aggregator } = bench();
    const first = hourOf(clock.nowMs());
    await noteTraffic(cluster, first, ada, '01', 5);
    await aggregator.aggregate();
    clock.advance(8 * 24 * HOUR_MS);
    await aggregator.aggregate();
    assert.equal(await cluster.records.read(trafficKey(first, ada, '01')), undefined);
    const rows = await reportUsage(cluster, { from: first, to: hour('2026-01-01T01'), by: 'hour' });
    assert.equal(rows[0]?.usage.requests.read, 5);
    assert.equal(usageCsv(rows).split('\r\n')[1], `${ada},2026-01-01T00:00:00Z,5,1,2,3,50,5000,0,0,0,0,`);
  });
});

test('an administrator is shown every project’s use, a member its own', async () => {
  const cluster = memoryCluster({ nowMs: () => Date.now() });
  const served = await ServedIdentity.start({}, () => usageRoutes(() => cluster));
  try {
    const { store, clock } = served.identity;
    const admin = await served.admin();
    const idOf = async (list: string, name: string) =>
      textAt((await served.ask('GET', `/${list}?name=${name}`, admin)).body, `${list}.0.id`);
    const demo = await idOf('projects', 'demo');
    const now = hourOf(clock.nowMs());
    await noteTraffic(cluster, now, spaceId(demo), '01', 5);
    await noteTraffic(cluster, now, ada, '01', 6);
    await new Aggregator({ cluster, store, clock, log }).aggregate();
    const user = { name: 'mia', domain_id: 'default', password: 'a long enough one' };
    const mia = textAt((await served.ask('POST', '/users', admin, { user })).body, 'user.id');
    await served.ask('PUT', `/projects/${demo}/users/${mia}/roles/${await idOf('roles', 'member')}`, admin);
    const member = await served.login('mia', user.password, { project: { id: demo } });
    const projectsFor = async (token: string, query = '') => {
      const { body } = await served.ask('GET', `//v1/usage?from=${now}${query}`, token);
      return (at(body, 'usage') as { project_id: string }[]).map(({ project_id }) => project_id).toSorted();
    };
    assert.deepEqual(await projectsFor(admin), [demo, ada].toSorted());
    assert.deepEqual(await projectsFor(admin, `&project=${ada}`), [ada]);
    assert.deepEqual(await projectsFor(member), [demo]);
    assert.equal((await served.ask('GET', `//v1/usage?project=${ada}`, member)).status, 403);
    assert.equal((await served.ask('GET', '//v1/usage')).status, 401);
    for (const wrong of [
      'from=yesterday',
      'from=2026-02-31',
      'by=day',
      'format=xml',
      'project=demo',
      'from=2030-01-01',
    ])
      assert.equal((await served.ask('GET', `//v1/usage?${wrong}`, admin)).status, 400, wrong);
    const csv = await served.ask('GET', '//v1/usage?format=csv&by=hour', member);
    assert.equal(csv.headers['content-type'], 'text/csv; charset=utf-8');
    assert.match(String(csv.body), new RegExp(`^project_id,hour,.*\r\n${demo},${now}:00:00Z,5,`));
  } finally {
    await served.close();
  }
});
