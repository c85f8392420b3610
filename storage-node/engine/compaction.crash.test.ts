import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFiles } from '#common/io/memory-files.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import type { AcceptedState } from './device-engine.ts';
import type { Device } from './device.ts';
import { EVERYTHING, PATH, keyOf, openOn, rowText, stateOf, textOf } from './engine.fixture.ts';
import { MemoryIndexStore } from './memory-index.ts';

const SEGMENT_BYTES = 8192;
const OPTIONS = { segmentBytes: SEGMENT_BYTES };
const KEYS = 12;
/** Between two calls at which a test kills; every call would take it long. */
const STEP_CALLS = 11;

/** Records, replaced, deleted and purged over several segments, so that the first are mostly dead. */
async function fill(device: Device): Promise<Map<number, AcceptedState>> {
  const states = new Map<number, AcceptedState>();
  let time = 0;
  for (let turn = 0; turn < 4; turn += 1) {
    for (let number = turn; number < KEYS; number += 1) {
      time += 1;
      const state = stateOf(time, 900, number % 5 !== 4);
      await device.writeRecord(keyOf(number), state);
      states.set(number, state);
    }
  }
  const tombstone = states.get(4);
  assert.ok(tombstone && !tombstone.live);
  await device.purgeRecord(keyOf(4), tombstone.ballot);
  states.delete(4);
  for (let count = 0; count < 8; count += 1) {
    time += 1;
    await device.writeRecord(keyOf(100), stateOf(time, 900));
    states.set(100, stateOf(time, 900));
  }
  return states;
}

function check(device: Device, states: Map<number, AcceptedState>, what: string): void {
  for (let number = 0; number <= 100; number += 1) {
    assert.equal(
      textOf(device.readRecord(keyOf(number))),
      textOf(states.get(number)),
      `${what}, key ${number}`,
    );
  }
}

async function compactAll(device: Device): Promise<number> {
  let segments = 0;
  while (await device.compactOne()) segments += 1;
  return segments;
}

async function rowsOf(device: Device): Promise<string[]> {
  return (await device.rows({ ...EVERYTHING, limit: 10_000 })).map(rowText);
}

test('compaction frees what is dead and keeps what is not', async () => {
  const files = new MemoryFiles();
  const { device } = await openOn(files, undefined, OPTIONS);
  const states = await fill(device);
  const before = await device.usage();
  assert.ok((await compactAll(device)) > 2);
  const after = await device.usage();
  assert.ok(after.logBytes < before.logBytes / 1.8, `${before.logBytes} → ${after.logBytes}`);
  assert.equal(after.records, before.records);
  assert.equal(after.tombstones, before.tombstones);
  check(device, states, 'compacted');
  await device.close();
  const again = await openOn(files, new MemoryIndexStore(), OPTIONS);
  check(again.device, states, 'index made anew');
  await again.device.close();
});

test('a disk that fails a copy while the segment is read on fails the compaction, and not the process', async () => {
  const files = new MemoryFiles();
  // Several windows of reading, each with less to copy than is waited for.
  const { device } = await openOn(files, undefined, { segmentBytes: 16 * 2 ** 20 });
  const LARGE = 60_000;
  for (let number = 0; number < 400; number += 1)
    await device.writeRecord(keyOf(number), stateOf(number + 1, LARGE));
  for (let number = 0; number < 400; number += 1)
    if (number % 20 !== 0) await device.writeRecord(keyOf(number), stateOf(number + 1000, 10));
  files.fail({ call: 'write', path: '/log/', nth: 1, how: 'ENOSPC' });
  await assert.rejects(compactAll(device), { code: 'device-full' });
  assert.ok((await compactAll(device)) > 0);
  assert.equal(textOf(device.readRecord(keyOf(20))), textOf(stateOf(21, LARGE)));
  await device.close();
});

test('a record that changes while its segment is compacted wins', async () => {
  const files = new MemoryFiles();
  const index = new MemoryIndexStore();
  const { device } = await openOn(files, index, OPTIONS);
  const states = await fill(device);
  let compacting = true;
  const compacted = compactAll(device).finally(() => {
    compacting = false;
  });
  let time = 1000;
  while (compacting) {
    for (const number of [0, 5, 7, 100]) {
      time += 1;
      const state = stateOf(time, 300);
      states.set(number, state);
      await device.writeRecord(keyOf(number), state);
    }
  }
  assert.ok((await compacted) > 1);
  check(device, states, 'compacted');
  const rows = await rowsOf(device);
  await device.close();
  const again = await openOn(files, new MemoryIndexStore(), OPTIONS);
  check(again.device, states, 'index made anew');
  assert.deepEqual(await rowsOf(again.device), rows);
  await again.device.close();
});

test('a crash at any call of a compaction loses nothing and brings nothing back', async () => {
  for (let step = 1; ; step += 1) {
    const files = new MemoryFiles();
    const index = new MemoryIndexStore();
    const { device } = await openOn(files, index, OPTIONS);
    await device.counted();
    const states = await fill(device);
    files.haltAt(files.calls + step);
    await compactAll(device).catch(() => 0);
    const finished = !files.halted;
    await device.close().catch(() => undefined);
    const random = seededRandomness(step);
    const powerLoss = step % 2 === 0;
    const disk = powerLoss ? files.crash(random) : files.restart();
    if (powerLoss) index.crash(random);
    const what = `${powerLoss ? 'power loss' : 'kill'} at call ${step}`;
    const again = await openOn(disk, index, OPTIONS);
    check(again.device, states, what);
    const rows = await rowsOf(again.device);
    await again.device.counted();
    await compactAll(again.device);
    check(again.device, states, `${what}, compacted again`);
    await again.device.close();
    const made = await openOn(disk, new MemoryIndexStore(), OPTIONS);
    assert.deepEqual(await rowsOf(made.device), rows, what);
    await made.device.close();
    if (finished) return;
  }
});

test('after a kill the counts of segments are those of an index made from the whole log', async () => {
  for (let step = 1; ; step += STEP_CALLS) {
    const files = new MemoryFiles();
    const index = new MemoryIndexStore();
    const { device, clock } = await openOn(files, index, OPTIONS);
    files.haltAt(files.calls + step);
    const running = fill(device).then(() => compactAll(device));
    running.catch(() => 0);
    // Rows reach the index meanwhile, and not only at a checkpoint.
    const ticking = setInterval(() => clock.advance(100), 0);
    await running.catch(() => 0);
    clearInterval(ticking);
    const finished = !files.halted;
    if (!finished) await device.close().catch(() => undefined);
    const disk = files.restart();
    const usages: unknown[] = [];
    for (const store of [index, new MemoryIndexStore()]) {
      const again = await openOn(disk, store, OPTIONS);
      await again.device.counted();
      const { records, tombstones, logBytes, logDeadBytes } = await again.device.usage();
      usages.push({ records, tombstones, logBytes, logDeadBytes });
      await again.device.close();
    }
    assert.deepEqual(usages[0], usages[1], `killed at call ${step}`);
    if (finished) return;
  }
});

test('a purge outlives its segment as long as an older one may hold the record', async () => {
  const files = new MemoryFiles();
  const index = new MemoryIndexStore();
  const { device } = await openOn(files, index, OPTIONS);
  await device.writeRecord(keyOf(1), stateOf(1, 900));
  // The first segment stays mostly alive.
  for (let number = 10; number < 16; number += 1)
    await device.writeRecord(keyOf(number), stateOf(number, 900));
  const tombstone = stateOf(50, 0, false);
  for (let count = 0; count < 9; count += 1) await device.writeRecord(keyOf(2), stateOf(60 + count, 900));
  await device.writeRecord(keyOf(1), tombstone);
  await device.purgeRecord(keyOf(1), tombstone.ballot);
  for (let count = 0; count < 30; count += 1) await device.writeRecord(keyOf(2), stateOf(80 + count, 900));
  await compactAll(device);
  assert.ok(await files.exists(`${PATH}/log/0000000001.log`));
  await device.close();
  const again = await openOn(files, new MemoryIndexStore(), OPTIONS);
  assert.equal(again.device.readRecord(keyOf(1)), undefined);
  await again.device.close();
});

test('a segment that was removed does not come back without the purges behind it', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const files = new MemoryFiles();
    const { device } = await openOn(files, undefined, OPTIONS);
    await device.counted();
    const tombstone = stateOf(50, 0, false);
    await device.writeRecord(keyOf(1), tombstone);
    for (let count = 0; count < 9; count += 1) await device.writeRecord(keyOf(2), stateOf(60 + count, 900));
    await device.purgeRecord(keyOf(1), tombstone.ballot);
    for (let count = 0; count < 9; count += 1) await device.writeRecord(keyOf(2), stateOf(80 + count, 900));
    assert.ok((await compactAll(device)) >= 2);
    const again = await openOn(files.crash(seededRandomness(seed)), new MemoryIndexStore(), OPTIONS);
    assert.equal(again.device.readRecord(keyOf(1)), undefined, `seed ${seed}`);
    await again.device.close();
  }
});

test('a record that is written while its tombstone is purged stays', async () => {
  const files = new MemoryFiles();
  const { device } = await openOn(files, undefined, OPTIONS);
  const tombstone = stateOf(50, 0, false);
  const state = stateOf(51, 100);
  await device.writeRecord(keyOf(1), tombstone);
  await Promise.all([device.writeRecord(keyOf(1), state), device.purgeRecord(keyOf(1), tombstone.ballot)]);
  assert.equal(textOf(device.readRecord(keyOf(1))), textOf(state));
  await device.close();
  const again = await openOn(files, new MemoryIndexStore(), OPTIONS);
  assert.equal(textOf(again.device.readRecord(keyOf(1))), textOf(state));
  await again.device.close();
});
