/** A cluster one of whose devices has rotted: every object is read whole from the others, and the device is mended by that. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { contentOf } from '../crash/content.ts';
import { FaultCluster } from '../processes/fault-cluster.ts';
import { StoreClient } from '../processes/store-client.ts';
import { type DeviceState, cutLog, damageDevice, inspectDevice } from './damage-device.ts';

const PORT = 22_840;
const OBJECTS = 60;
/** One of eight begins with any of a stripe's three members, the others with the first. */
const READS = 32;
/** Of damage whose reader begins elsewhere seven reads in eight, one in a million is not read by then; most runs take three. */
const MENDED_ROUNDS_MAX = 14;
/** Repairs begin two seconds after a miss was noticed. */
const REPAIR_MS = 5000;

const bytesOf = (number: number): number => (number % 2 === 0 ? 100 + number : 80_000 + number * 1000);
const nameOf = (number: number): string => `object-${String(number).padStart(3, '0')}`;
const bodyOf = (number: number): Buffer => contentOf(nameOf(number), 1, bytesOf(number));

test('reads do not notice a device whose blobs and log are damaged, and mend it', async (context) => {
  const seed = Number(process.env['HOLDFAST_SEED'] ?? randomInt(1_000_000_000));
  context.diagnostic(`seed ${seed}`);
  await using cluster = await FaultCluster.make({ layout: 'together', firstPort: PORT });
  await cluster.start();
  const client = new StoreClient(cluster.keys);
  context.after(() => client.close());
  const [endpoint = ''] = cluster.endpoints;
  await fill(client, endpoint);
  await stop(cluster);
  const { path, whole } = await fullest(cluster.devicePaths);
  assert.ok(whole.blobs > 5 && whole.records > 20, JSON.stringify(whole));
  context.diagnostic(JSON.stringify(damageDevice(path, seededRandomness(seed), 12)));
  const damaged = await inspectDevice(path);
  context.diagnostic(JSON.stringify(damaged));
  assert.ok(damaged.unreadableBlobs > 0 && damaged.unreadableRecords > 0);
  let mended: DeviceState | undefined;
  for (let round = 0; round < MENDED_ROUNDS_MAX; round += 1) {
    await cluster.start();
    for (let turn = 0; turn < READS; turn += 1) await readAll(client, endpoint);
    await sleep(REPAIR_MS);
    await stop(cluster);
    mended = await inspectDevice(path);
    context.diagnostic(`after round ${round + 1}: ${JSON.stringify(mended)}`);
    if (mended.unreadableBlobs + mended.unreadableRecords === 0 && mended.blobs === whole.blobs) break;
  }
  assert.deepEqual(mended, whole);
  assert.match(cluster.roles[0]?.output ?? '', /"message":"data-corrupt"/);
});

/** The bucket's few shards lie on three of four devices each, as chance has it: one device may have a quarter of the records, or none. */
async function fullest(paths: readonly string[]): Promise<{ path: string; whole: DeviceState }> {
  let found: { path: string; whole: DeviceState } | undefined;
  for (const path of paths) {
    const whole = await inspectDevice(path);
    if (found === undefined || whole.records > found.whole.records) found = { path, whole };
  }
  assert.ok(found !== undefined);
  return found;
}

async function fill(client: StoreClient, endpoint: string): Promise<void> {
  assert.equal((await client.s3(endpoint, 'PUT', '/damage')).status, 200);
  for (let number = 0; number < OBJECTS; number += 1) {
    const put = await client.s3(endpoint, 'PUT', `/damage/${nameOf(number)}`, { body: bodyOf(number) });
    assert.equal(put.status, 200);
  }
}

async function readAll(client: StoreClient, endpoint: string): Promise<void> {
  for (let number = 0; number < OBJECTS; number += 1) {
    const got = await client.s3(endpoint, 'GET', `/damage/${nameOf(number)}`);
    assert.equal(got.status, 200, nameOf(number));
    assert.ok(got.body.equals(bodyOf(number)), `${nameOf(number)} is not what was written`);
  }
  const list = await client.s3(endpoint, 'GET', '/damage?list-type=2');
  assert.equal(list.body.toString().split('<Contents>').length - 1, OBJECTS);
  const head = await client.swift(endpoint, 'HEAD', '/damage');
  assert.equal(head.headers['x-container-object-count'], String(OBJECTS));
}

async function stop(cluster: FaultCluster): Promise<void> {
  await Promise.all(cluster.roles.map((role) => role.stop()));
}

test('a device that has lost the end of its log is out, and nobody notices', async (context) => {
  await using cluster = await FaultCluster.make({ layout: 'together', firstPort: PORT });
  await cluster.start();
  const client = new StoreClient(cluster.keys);
  context.after(() => client.close());
  const [endpoint = ''] = cluster.endpoints;
  await fill(client, endpoint);
  await stop(cluster);
  cutLog(cluster.devicePaths[1] ?? '');
  for (let start = 0; start < 2; start += 1) {
    await cluster.start();
    await readAll(client, endpoint);
    const put = await client.s3(endpoint, 'PUT', '/damage/object-000', { body: bodyOf(0) });
    assert.equal(put.status, 200);
    await cluster.kill();
  }
  const failures = (cluster.roles[0]?.output ?? '').split('"message":"device-failed"').length - 1;
  assert.equal(failures, 2, 'it is out at every start');
});

test('an empty folder where a disk was has no vote after a restart, and the disk has one again when it is back', async (context) => {
  await using cluster = await FaultCluster.make({ layout: 'together', firstPort: PORT });
  await cluster.start();
  const client = new StoreClient(cluster.keys);
  context.after(() => client.close());
  const [endpoint = ''] = cluster.endpoints;
  await fill(client, endpoint);
  const [, , path = ''] = cluster.devicePaths;
  await cluster.kill();
  renameSync(path, `${path}.away`);
  for (const mountPoint of [false, true]) {
    if (mountPoint) mkdirSync(path);
    await cluster.start();
    await readAll(client, endpoint);
    const put = await client.s3(endpoint, 'PUT', '/damage/object-000', { body: bodyOf(0) });
    assert.equal(put.status, 200);
    await cluster.kill();
    assert.deepEqual(existsSync(path) ? readdirSync(path) : [], []);
  }
  assert.equal((cluster.roles[0]?.output ?? '').split('a device has lost its disk').length - 1, 2);
  rmSync(path, { recursive: true });
  renameSync(`${path}.away`, path);
  await cluster.start();
  await readAll(client, endpoint);
});
