/** A disk without space: found by a write, and found too late, by the sync behind it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFiles } from '#common/io/memory-files.ts';
import { EVERYTHING, keyOf, openOn, stateOf, textOf, eventTypes, writeMany } from './engine.fixture.ts';
import { MemoryIndexStore } from './memory-index.ts';

test('a disk that runs out of space refuses writes and goes on when there is space again', async () => {
  const files = new MemoryFiles();
  const opened = await openOn(files);
  const { device, clock } = opened;
  await writeMany(device, 0, 10);
  files.fail({ call: 'write', path: '/log/', nth: 1, how: 'ENOSPC' });
  await assert.rejects(writeMany(device, 10, 12), { code: 'device-full' });
  assert.equal((await device.usage()).health, 'ok');
  clock.advance(2000);
  await writeMany(device, 20, 25);
  assert.equal(device.readRecord(keyOf(10)), undefined);
  assert.equal(textOf(device.readRecord(keyOf(24))), textOf(stateOf(25, 500)));
  await device.close();
  const again = await openOn(files, new MemoryIndexStore());
  assert.equal((await again.device.rows({ ...EVERYTHING, limit: 100 })).length, 15);
  assert.ok(!eventTypes(again).includes('data-corrupt'));
  await again.device.close();
});

test('a disk that runs out of space while it syncs is out: what the sync covered is lost', async () => {
  const files = new MemoryFiles();
  const opened = await openOn(files);
  const { device } = opened;
  await writeMany(device, 0, 10);
  files.fail({ call: 'sync', path: '/log/', nth: 1, how: 'ENOSPC' });
  await assert.rejects(writeMany(device, 10, 12), { code: 'device-failed' });
  await assert.rejects(writeMany(device, 12, 13), { code: 'device-failed' });
  await device.close();
  const again = await openOn(files, new MemoryIndexStore());
  assert.equal((await again.device.rows({ ...EVERYTHING, limit: 100 })).length, 10);
  await again.device.close();
});
