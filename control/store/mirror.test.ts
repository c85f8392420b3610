import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { HoldfastError } from '#common/errors.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { HeldLease } from './held-lease.ts';
import { prefixed } from './key-range.ts';
import { memoryStore } from './memory-store.ts';
import { Mirror } from './mirror.ts';
import { getEntry, put, remove } from './operations.ts';
import type { LeaseId, Store } from './store.ts';

const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('what a process keeps of the store', () => {
  let clock: ManualClock;
  let store: Store;
  beforeEach(() => {
    clock = new ManualClock();
    store = memoryStore({ clock, randomness: seededRandomness(2) });
  });
  afterEach(() => store.close());

  const set = (key: string, text: string): Promise<unknown> =>
    store.transact({ then: [put(key, Buffer.from(text))] });

  test('a mirror has what was there, follows what changes, and tells of each change', async () => {
    await set('m/1', 'a');
    await set('other', 'x');
    const told: string[] = [];
    const mirror = new Mirror({
      store,
      clock,
      range: prefixed('m/'),
      onChange: (event) =>
        told.push(
          event.kind === 'put' ? `${event.entry.key}=${event.entry.value.toString()}` : `-${event.key}`,
        ),
    });
    await mirror.filled;
    await set('m/2', 'b');
    await store.transact({ then: [remove('m/1')] });
    await turns();
    assert.deepEqual([...mirror.entries.keys()], ['m/2']);
    assert.deepEqual(told, ['m/1=a', 'm/2=b', '-m/1']);
    await mirror.close();
  });

  test('a mirror that the store leaves, or whose past is compacted, finds what it has missed', async () => {
    let isDown = false;
    const troubled: Store = Object.assign(Object.create(store) as Store, {
      range: (...args: Parameters<Store['range']>) =>
        isDown ? Promise.reject(new HoldfastError('store-unavailable')) : store.range(...args),
      watch: (...args: Parameters<Store['watch']>) => {
        const watch = store.watch(...args);
        watches.push(watch);
        return watch;
      },
    });
    const watches: { close(): void }[] = [];
    let troubles = 0;
    const mirror = new Mirror({
      store: troubled,
      clock,
      range: prefixed('m/'),
      onTrouble: () => {
        troubles += 1;
      },
    });
    await set('m/1', 'a');
    await set('m/2', 'a');
    await turns();
    isDown = true;
    watches.at(-1)?.close();
    await store.transact({ then: [remove('m/1'), put('m/3', Buffer.alloc(0))] });
    await store.compact((await store.range(prefixed('m/'))).revision);
    for (let round = 0; round < 10; round += 1) {
      clock.advance(1000);
      await turns();
    }
    assert.ok(troubles > 0);
    assert.deepEqual([...mirror.entries.keys()].toSorted(), ['m/1', 'm/2']);
    isDown = false;
    for (let round = 0; round < 5; round += 1) {
      clock.advance(1000);
      await turns();
    }
    assert.deepEqual([...mirror.entries.keys()].toSorted(), ['m/2', 'm/3']);
    await mirror.close();
  });

  test('a held lease stays while its process can reach the store, and is known to be lost when it cannot', async () => {
    let isDown = false;
    const troubled: Store = Object.assign(Object.create(store) as Store, {
      grantLease: (ttlSeconds: number) =>
        isDown ? Promise.reject(new HoldfastError('store-unavailable')) : store.grantLease(ttlSeconds),
      keepAlive: (lease: LeaseId) =>
        isDown ? Promise.reject(new HoldfastError('store-unavailable')) : store.keepAlive(lease),
      revokeLease: (lease: LeaseId) => store.revokeLease(lease),
    });
    const story: string[] = [];
    const held = new HeldLease({
      store: troubled,
      clock,
      ttlSeconds: 3,
      onHeld: (lease) => {
        story.push('held');
        void store.transact({ then: [put('alive', Buffer.alloc(0), lease)] });
      },
      onLost: () => story.push('lost'),
    });
    const pass = async (seconds: number): Promise<void> => {
      for (let tick = 0; tick < seconds * 10; tick += 1) {
        clock.advance(100);
        await turns(4);
      }
    };
    await pass(20);
    assert.ok(held.current !== undefined && (await getEntry(store, 'alive')));
    isDown = true;
    await pass(4);
    assert.equal(held.current, undefined);
    await pass(2);
    assert.equal(await getEntry(store, 'alive'), undefined);
    isDown = false;
    await pass(2);
    assert.ok(held.current !== undefined && (await getEntry(store, 'alive')));
    assert.deepEqual(story, ['held', 'lost', 'held']);
    await held.close();
    assert.equal(await getEntry(store, 'alive'), undefined);
  });
});
