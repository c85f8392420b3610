import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type ClusterConfig, defaultClusterConfig } from '#common/config/cluster-config.ts';
import { hasCode } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { loadBuilder, loadRing, ringPaths, saveRing, writeBuilder } from '#ring/file/ring-files.ts';
import { openDataDirectory } from './data-directory.ts';
import { addUser, loadUsers, removeUser } from './users.ts';

const context = { files: realFiles(), randomness: realRandomness(), nowMs: () => Date.now() };

describe('a data directory', () => {
  let root: string;
  let config: ClusterConfig;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-data-'));
    config = { ...defaultClusterConfig(), data: join(root, 'data') };
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test('is made at the first start, with secrets that only its owner reads, and kept at the second', async () => {
    const first = await openDataDirectory(config, context);
    assert.equal(first.isNew, true);
    assert.deepEqual(first.devices, [0, 1, 2, 3]);
    for (const file of [first.paths.adminEnv, first.paths.users, first.paths.clusterKey])
      assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(first.paths.credentials).mode & 0o777, 0o700);
    const admin = readFileSync(first.paths.adminEnv, 'utf8');
    assert.match(admin, /^export AWS_ACCESS_KEY_ID='[A-Z2-7]{20}'$/m);
    assert.match(admin, /^export AWS_ENDPOINT_URL='http:\/\/127\.0\.0\.1:8080'$/m);
    assert.match(admin, /^export AWS_DEFAULT_REGION='us-east-1'$/m);
    await first.release();

    const second = await openDataDirectory(config, context);
    assert.equal(second.isNew, false);
    assert.deepEqual(second.identity, first.identity);
    assert.deepEqual(second.clusterKey, first.clusterKey);
    assert.equal(readFileSync(second.paths.adminEnv, 'utf8'), admin);
    await second.release();
  });

  test('is held by one supervisor at a time', async () => {
    const first = await openDataDirectory(config, context);
    await assert.rejects(openDataDirectory(config, context), (error) => hasCode(error, 'data-in-use'));
    await first.release();
    await (await openDataDirectory(config, context)).release();
  });

  test('of a newer format is refused and not touched', async () => {
    await (await openDataDirectory(config, context)).release();
    const identity = join(config.data, 'holdfast.json');
    writeFileSync(identity, '{"format": 9}');
    rmSync(join(config.data, 'lock'), { recursive: true });
    await assert.rejects(openDataDirectory(config, context), (error) => hasCode(error, 'format-invalid'));
    assert.throws(() => statSync(join(config.data, 'lock')), /ENOENT/);
  });

  test('lets the ring follow the ports, without a new epoch', async () => {
    await (await openDataDirectory(config, context)).release();
    const { ring: ringFile } = ringPaths(config.data);
    const before = await loadRing(context.files, ringFile);
    await (await openDataDirectory({ ...config, apart: true, portOffset: 100 }, context)).release();
    const after = await loadRing(context.files, ringFile);
    assert.equal(after.version, before.version + 1);
    assert.deepEqual(
      after.devices.map((device) => device?.address.port),
      [6300, 6301, 6302, 6303],
    );
    for (let partition = 0; partition < 2 ** after.partitionPower; partition++) {
      assert.deepEqual(after.members(partition), before.members(partition));
      assert.equal(after.epoch(partition), before.epoch(partition));
    }
    await (await openDataDirectory({ ...config, apart: true, portOffset: 100 }, context)).release();
    assert.equal((await loadRing(context.files, ringFile)).version, after.version);
  });

  test('whose ring has changes waiting serves the ring that stands, wherever its ports are', async () => {
    await (await openDataDirectory(config, context)).release();
    const { builder: builderFile, ring: ringFile } = ringPaths(config.data);
    const builder = await loadBuilder(context.files, builderFile);
    const address = { host: '127.0.0.1', port: 6200 };
    builder.add({ region: 1, zone: 9, rack: 0, host: 'h', address, weight: 1 });
    await writeBuilder(context.files, builderFile, builder);
    const open = await openDataDirectory({ ...config, portOffset: 100 }, context);
    assert.deepEqual(open.devices, [0, 1, 2, 3]);
    await open.release();
    const ring = await loadRing(context.files, ringFile);
    assert.ok(ring.devices.every((device) => (device?.address.port ?? 0) >= 6300));
    assert.equal((await loadBuilder(context.files, builderFile)).state.staged, true);
  });

  test('is refused when its builder is an old copy: its ring would give back what devices have dropped', async () => {
    await (await openDataDirectory(config, context)).release();
    const { builder: builderFile, ring: ringFile } = ringPaths(config.data);
    const old = readFileSync(builderFile);
    const builder = await loadBuilder(context.files, builderFile);
    builder.setWeight(1 as DeviceId, 50);
    builder.rebalance({ nowMs: Date.now() + 1e10 });
    await saveRing(context.files, config.data, builder);
    writeFileSync(builderFile, old);
    const ring = readFileSync(ringFile);
    await assert.rejects(openDataDirectory(config, context), /is it an old copy\?/);
    assert.deepEqual(readFileSync(ringFile), ring);
  });

  test('whose first start failed is made by the numbers of the next', async () => {
    mkdirSync(config.data, { recursive: true });
    mkdirSync(join(config.data, 'devices'), { recursive: true });
    writeFileSync(join(config.data, 'devices', 'd3'), 'no folder');
    await assert.rejects(openDataDirectory(config, context));
    rmSync(join(config.data, 'devices', 'd3'));
    const open = await openDataDirectory({ ...config, devices: 3, zones: 3 }, context);
    assert.deepEqual(open.devices, [0, 1, 2]);
    assert.deepEqual([open.identity.devices, open.identity.zones], [3, 3]);
    await open.release();
  });

  test('that cannot be locked is not said to be in use', async () => {
    const lock = () => Promise.reject(new Error('no space left on device'));
    const broken = new Proxy(context.files, {
      get: (target, name) => (name === 'lock' ? lock : (Reflect.get(target, name) as unknown)),
    });
    await assert.rejects(
      openDataDirectory(config, { ...context, files: broken }),
      (error) => hasCode(error, 'configuration-invalid') && /no space left/.test(error.message),
    );
  });

  test('is refused when a disk of it is not there, until the device is replaced', async () => {
    await (await openDataDirectory(config, context)).release();
    const lost = join(config.data, 'devices', 'd2');
    rmSync(lost, { recursive: true });
    const start = (): Promise<unknown> => openDataDirectory(config, context);
    await assert.rejects(
      start,
      /device 2 is in the ring, but .* is its disk mounted\?.*holdfast ring replace 2/s,
    );
    mkdirSync(lost);
    await assert.rejects(start, (error) => hasCode(error, 'configuration-invalid'));
    const { builder: builderFile } = ringPaths(config.data);
    const builder = await loadBuilder(context.files, builderFile);
    const { id: _, ...place } = builder.state.devices[2] ?? assert.fail();
    builder.remove(2 as DeviceId);
    builder.add(place);
    builder.rebalance({ nowMs: Date.now(), holdsData: true });
    await saveRing(context.files, config.data, builder);
    const open = await openDataDirectory(config, context);
    assert.deepEqual(open.devices, [0, 1, 3, 4]);
    assert.ok(!existsSync(join(lost, 'device.json')));
    await open.release();
  });

  test('makes the users of its configuration once, and users that share an account share its id', async () => {
    const users = [
      { name: 'ada', account: 'film' },
      { name: 'bob', account: 'film' },
      { name: 'eve', account: undefined },
    ];
    const open = await openDataDirectory({ ...config, users }, context);
    const [admin, ada, bob, eve] = await loadUsers(context.files, open.paths);
    assert.deepEqual([admin?.name, admin?.admin, ada?.admin], ['admin', true, false]);
    assert.equal(ada?.account, bob?.account);
    assert.notEqual(ada?.account, eve?.account);
    await open.release();
    const again = await openDataDirectory({ ...config, users }, context);
    assert.deepEqual((await loadUsers(context.files, again.paths))[1], ada);
    await again.release();
  });

  test('lets users come and go, but not twice, and not the admin', async () => {
    const open = await openDataDirectory(config, context);
    const change = { files: context.files, randomness: context.randomness, paths: open.paths };
    const wanted = { name: 'ada', account: undefined, admin: false };
    const first = await addUser(change, wanted);
    await assert.rejects(addUser(change, wanted), (error) => hasCode(error, 'invalid-argument'));
    await removeUser(change, 'ada');
    await assert.rejects(removeUser(change, 'ada'), /no user ada/);
    await assert.rejects(removeUser(change, 'admin'), /cannot be removed/);
    const second = await addUser(change, wanted);
    assert.equal(second.account, first.account);
    assert.notEqual(second.secretKey, first.secretKey);
    await open.release();
  });
});
