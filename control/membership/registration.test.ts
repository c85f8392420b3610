/** Processes in the control store: who is up, by a clock that the test moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import type { ProcessState } from '../protocol/membership.ts';
import { memoryStore } from '../store/memory-store.ts';
import { ProcessBook } from './process-book.ts';
import { Registration } from './registration.ts';

const state = (change: Partial<ProcessState> = {}): ProcessState => ({
  name: 'proxy-1',
  role: 'proxy',
  host: 'here',
  ports: [8080],
  version: '1.0.0',
  startedMs: 1,
  isServing: true,
  ringVersion: 3,
  devices: 0,
  devicesOut: [],
  ...change,
});

function open() {
  const clock = new ManualClock();
  const store = memoryStore({ clock, randomness: seededRandomness(7) });
  const book = new ProcessBook(store, clock);
  const isUp = async (name: string) => (await book.list()).find((process) => process.name === name)?.isUp;
  return { clock, store, book, isUp };
}

test('a process is up while it is heard of, and down when its lease has ended', async () => {
  const { clock, book, isUp } = open();
  const registration = new Registration(book);
  for (let heard = 0; heard < 5; heard += 1) {
    await registration.hear(state());
    clock.advance(2000);
    assert.equal(await isUp('proxy-1'), true);
  }
  const [listed] = await book.list();
  assert.equal(listed?.heardMs, clock.nowMs() - 2000);
  clock.advance(6000);
  await leaseEnded();
  assert.equal(await isUp('proxy-1'), false);
  // It was only slow: it is up with its next word.
  await registration.hear(state());
  assert.equal(await isUp('proxy-1'), true);
});

test('one that does not serve yet, or leaves, is down', async () => {
  const { book, isUp } = open();
  const registration = new Registration(book);
  await registration.hear(state({ isServing: false }));
  assert.equal(await isUp('proxy-1'), false);
  await registration.hear(state());
  assert.equal(await isUp('proxy-1'), true);
  await registration.leave();
  assert.equal(await isUp('proxy-1'), false);
});

test('one that was started again is up, also after the lease of the one before has ended', async () => {
  const { clock, book, isUp } = open();
  const [before, after] = [new Registration(book), new Registration(book)];
  await before.hear(state());
  await after.hear(state({ startedMs: 2 }));
  for (let heard = 0; heard < 5; heard += 1) {
    clock.advance(2000);
    await leaseEnded();
    await after.hear(state({ startedMs: 2 }));
  }
  assert.equal(await isUp('proxy-1'), true);
});

test('the store is written when something changes, and each minute', async () => {
  const { clock, store, book } = open();
  const registration = new Registration(book);
  const writesOf = async (times: number) => {
    const { revision } = await store.range({ from: 'a', to: 'z' });
    for (let heard = 0; heard < times; heard += 1) {
      await registration.hear(state());
      clock.advance(2000);
    }
    return (await store.range({ from: 'a', to: 'z' })).revision - revision;
  };
  assert.equal(await writesOf(30), 1);
  assert.equal(await writesOf(30), 1);
  await registration.hear(state({ ringVersion: 4, devices: 2, devicesOut: [1] }));
  assert.deepEqual((await book.list())[0]?.devicesOut, [1]);
});

test('one that is down can be forgotten, one that is up cannot', async () => {
  const { clock, book } = open();
  const registration = new Registration(book);
  await registration.hear(state());
  await assert.rejects(book.remove('proxy-1'), (error) => hasCode(error, 'condition-failed'));
  await assert.rejects(book.remove('proxy-2'), (error) => hasCode(error, 'resource-missing'));
  clock.advance(6000);
  await leaseEnded();
  await book.remove('proxy-1');
  assert.deepEqual(await book.list(), []);
});

/** The store deletes what hung on a lease in a transaction of its own, which begins when the lease ends. */
async function leaseEnded(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
