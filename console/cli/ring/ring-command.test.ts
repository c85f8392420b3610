import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { realFiles } from '#common/io/real-files.ts';
import { loadBuilder, loadRing, ringPaths, saveRing, writeBuilder } from '#ring/file/ring-files.ts';
import { createSingleHostRing } from '#ring/single-host-ring.ts';
import { ringCommand } from './ring-command.ts';

const files = realFiles();
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-ring-command-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await ringCommand([...args, '--data', folder], {
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    env: {},
    signal: new AbortController().signal,
  });
  return { code, out, err };
}

async function firstRing(): Promise<void> {
  const addressOf = (device: number) => ({ host: '127.0.0.1', port: 21100 + device });
  await saveRing(
    files,
    folder,
    createSingleHostRing({ devices: 4, zones: 4, partitionPower: 6, addressOf }).builder,
  );
}

const newDevice = ['add', '--address', '127.0.0.1:21150', '--zone', '1', '--host', 'b'];

function storeSomething(device = join(folder, 'devices', 'd0')): void {
  mkdirSync(join(device, 'log'), { recursive: true });
  writeFileSync(join(device, 'log', '0000000001.log'), Buffer.alloc(200));
}

const ringBytes = (): Buffer => readFileSync(ringPaths(folder).ring);

describe('holdfast ring', () => {
  test('builds a ring from nothing: create, add, rebalance, show', async () => {
    assert.equal((await run('create', '--partition-power', '5', '--replicas', '2')).code, 0);
    for (const zone of ['1', '2', '3'])
      assert.equal((await run('add', '--address', '[::1]:21100', '--zone', zone, '--host', 'h')).code, 0);
    assert.match((await run('show')).out, /changes are staged/);
    assert.equal((await run('rebalance')).code, 0);
    const ring = await loadRing(files, ringPaths(folder).ring);
    assert.equal(ring.members(31).length, 2);
    assert.deepEqual(ring.devices[2]?.address, { host: '::1', port: 21100 });
    const shown = JSON.parse((await run('show', '--json')).out) as {
      staged: boolean;
      devices: { replicas: number }[];
    };
    assert.equal(shown.staged, false);
    assert.equal(
      shown.devices.reduce((sum, { replicas }) => sum + replicas, 0),
      64,
    );
    assert.equal((await run('create')).code, 3, 'a second ring is refused');
  });

  test('stages a device and leaves the ring as it is until a rebalance', async () => {
    await firstRing();
    const before = ringBytes();
    const added = await run(...newDevice, '--json');
    assert.equal((JSON.parse(added.out) as { id: number }).id, 4);
    assert.deepEqual(ringBytes(), before);
    const tried = await run('rebalance', '--dry-run', '--json');
    assert.equal((JSON.parse(tried.out) as { cause: string }).cause, 'joined');
    assert.deepEqual(ringBytes(), before);
    assert.equal((await run('rebalance')).code, 0);
    assert.equal((await loadRing(files, ringPaths(folder).ring)).version, 2);
  });

  test('plans moves where something is stored: no member changes, and the new device stands in the ring', async () => {
    await firstRing();
    await run(...newDevice);
    storeSomething();
    const before = await loadRing(files, ringPaths(folder).ring);
    const planned = await run('rebalance', '--json');
    assert.equal(planned.code, 0);
    assert.ok((JSON.parse(planned.out) as { planned: number }).planned > 0);
    const ring = await loadRing(files, ringPaths(folder).ring);
    assert.equal(ring.devices[4]?.id, 4);
    for (let partition = 0; partition < 2 ** ring.partitionPower; partition++) {
      assert.deepEqual(ring.members(partition), before.members(partition));
      assert.equal(ring.epoch(partition), before.epoch(partition));
    }
    assert.match((await run('rebalance')).out, /the running cluster moves \d+ replicas/);
  });

  test('finds data on devices elsewhere, takes the word of --holds-data, and sees through an empty log', async () => {
    const planned = async (...words: string[]): Promise<number> =>
      (JSON.parse((await run('rebalance', '--dry-run', '--json', ...words)).out) as { planned: number })
        .planned;
    await firstRing();
    await run(...newDevice);
    assert.equal(await planned(), 0);
    assert.ok((await planned('--holds-data')) > 0);
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(join(folder, 'holdfast.json'), JSON.stringify({ devicePaths: [elsewhere] }));
    storeSomething(elsewhere);
    assert.ok((await planned()) > 0);
    writeFileSync(join(elsewhere, 'log', '0000000001.log'), Buffer.alloc(64));
    assert.equal(await planned(), 0);
    writeFileSync(join(folder, 'holdfast.json'), '{');
    assert.equal((await run('rebalance')).code, 1);
  });

  test('plans moves while a cluster runs, whatever is stored', async () => {
    await firstRing();
    await run(...newDevice);
    const running = await files.lock(join(folder, 'lock'));
    assert.match((await run('rebalance')).out, /the running cluster moves/);
    await running.release();
  });

  test('waits for a change that another process is making', async () => {
    await firstRing();
    const held = await files.lock(ringPaths(folder).lock);
    const changed = run('set-weight', '0', '50');
    const first = await Promise.race([changed, delay(200, 'waiting')]);
    await held.release();
    assert.equal(first, 'waiting');
    assert.equal((await changed).code, 0);
    assert.match((await run('show')).out, /changes are staged/);
  });

  test('puts an empty device in the place of one that is lost, which stays until it is copied', async () => {
    await firstRing();
    storeSomething();
    const replaced = await run('replace', '1', '--json');
    assert.deepEqual(JSON.parse(replaced.out), { id: 1, replacement: 4 });
    assert.equal((await run('rebalance')).code, 0);
    const ring = await loadRing(files, ringPaths(folder).ring);
    assert.equal(ring.devices[4]?.zone, ring.devices[1]?.zone);
    const { state } = await loadBuilder(files, ringPaths(folder).builder);
    assert.deepEqual(
      state.leaving.map(({ id }) => id),
      [1],
    );
    assert.equal((await run('replace', '1')).code, 2, 'it is leaving');
  });

  test('lets weights and removals through where nothing is stored yet', async () => {
    await firstRing();
    assert.equal((await run('set-weight', '0', '50')).code, 0);
    assert.equal((await run('remove', '3')).code, 0);
    assert.equal((await run('rebalance')).code, 0);
    const ring = await loadRing(files, ringPaths(folder).ring);
    assert.equal(ring.devices[0]?.weight, 50);
    assert.equal(ring.devices[3], undefined);
    assert.match((await run('dispersion')).out, /zone +0\.00 %/);
  });

  test('finishes what a crash interrupted between the builder and its ring', async () => {
    await firstRing();
    const builder = await loadBuilder(files, ringPaths(folder).builder);
    builder.growPartitionPower();
    await writeBuilder(files, ringPaths(folder).builder, builder);
    assert.equal((await run('set-weight', '1', '100')).code, 0);
    assert.equal((await loadRing(files, ringPaths(folder).ring)).version, 2);
  });

  test('explains itself, and says what is wrong with a command line', async () => {
    assert.match((await run('--help')).out, /rebalance +make the next ring/);
    for (const name of [
      'show',
      'add',
      'remove',
      'set-weight',
      'replace',
      'rebalance',
      'dispersion',
      'revert',
      'create',
    ])
      assert.match((await run(name, '--help')).out, new RegExp(`usage: holdfast ring ${name}`));
    assert.equal((await run('show')).code, 3, 'no ring');
    await firstRing();
    const wrong = [
      ['shwo'],
      ['add'],
      ['remove'],
      ['remove', 'x'],
      ['remove', '70000'],
      ['remove', '9'],
      ['remove', '1', '2'],
      ['set-weight', '0', 'heavy'],
      ['set-weight', '0', '-1'],
      ['show', '--colour'],
      [...newDevice.slice(0, 2), 'nowhere', '--zone', '1', '--host', 'b'],
    ];
    for (const words of wrong) assert.equal((await run(...words)).code, 2, words.join(' '));
    writeFileSync(ringPaths(folder).builder, '{}');
    assert.equal((await run('show')).code, 1);
  });
});
