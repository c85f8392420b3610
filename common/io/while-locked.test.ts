import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFiles } from './memory-files.ts';
import { whileLocked } from './while-locked.ts';

const PATH = '/lock';

test('work waits for the lock, and gives it back whatever comes of it', async () => {
  const files = new MemoryFiles();
  const held = await files.lock(PATH);
  const order: string[] = [];
  const waiting = whileLocked(files, PATH, async () => {
    order.push('work');
    await Promise.reject(new Error('it failed'));
  });
  order.push('released');
  await held.release();
  await assert.rejects(waiting, /it failed/);
  assert.deepEqual(order, ['released', 'work']);
  assert.equal(await whileLocked(files, PATH, () => Promise.resolve('again')), 'again');
});

test('a lock that is not given back is an error in the end', async () => {
  const files = new MemoryFiles();
  const held = await files.lock(PATH);
  const work = () => Promise.reject(new Error('it ran'));
  await assert.rejects(whileLocked(files, PATH, work, 0), { code: 'data-in-use' });
  await held.release();
});
