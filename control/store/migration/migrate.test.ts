import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { realClock } from '#common/io/real-clock.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { everything, prefixed } from '../key-range.ts';
import { memoryStore } from '../memory-store.ts';
import { put } from '../operations.ts';
import type { Store } from '../store.ts';
import { migrateStore, type MigrationProgress, type MigrationResult } from './migrate.ts';
import { refuseHalfMigrated } from './migration-mark.ts';

const clock = realClock();
const randomness = seededRandomness(11);
const empty = (): Store => memoryStore({ clock, randomness });

async function filled(entries: number): Promise<Store> {
  const store = empty();
  for (let at = 0; at < entries; at += 1)
    await store.transact({ then: [put(`k/${at}`, Buffer.alloc(at * 10, at))] });
  await store.transact({ then: [put('large', Buffer.alloc(1024 * 1024, 1))] });
  const lease = await store.grantLease(60);
  await store.transact({ then: [put('claim/x', Buffer.from('mine'), lease.id)] });
  return store;
}

function migrate(
  source: Store,
  target: Store,
  signal = new AbortController().signal,
): Promise<MigrationResult> {
  return migrateStore({ source, target, clock, randomness, signal, onProgress: () => {} });
}

async function contents(store: Store): Promise<[string, string][]> {
  const { entries } = await store.range(everything);
  return entries
    .filter(({ key, lease }) => lease === undefined && !key.startsWith('migration/'))
    .map(({ key, value }) => [key, value.toString('base64')]);
}

test('a migration copies everything but what hangs on leases, tells how far it is, and is done once', async () => {
  const source = await filled(300);
  const target = empty();
  const progress: MigrationProgress[] = [];
  const result = await migrateStore({
    source,
    target,
    clock,
    randomness,
    signal: new AbortController().signal,
    onProgress: (one) => progress.push(one),
  });
  assert.deepEqual(result, { entries: 301, written: 301, deleted: 0, wasDone: false });
  assert.deepEqual(await contents(target), await contents(source));
  assert.equal((await target.range(prefixed('claim/'))).entries.length, 0);
  assert.equal(progress.at(-1)?.done, progress.at(-1)?.total);
  await refuseHalfMigrated(target);
  await target.transact({ then: [put('k/0', Buffer.from('used since'))] });
  assert.equal((await migrate(source, target)).wasDone, true);
  assert.equal((await target.range(prefixed('k/0'))).entries[0]?.value.toString(), 'used since');
});

test('a migration that ends at any of its writes is begun again, after the source has changed, and comes out right', async () => {
  for (let allowed = 0; ; allowed += 1) {
    const source = await filled(200);
    const target = empty();
    const stop = new AbortController();
    let writes = 0;
    const stopping: Store = {
      range: (...args) => target.range(...args),
      watch: (...args) => target.watch(...args),
      grantLease: (ttl) => target.grantLease(ttl),
      keepAlive: (lease) => target.keepAlive(lease),
      revokeLease: (lease) => target.revokeLease(lease),
      compact: (revision) => target.compact(revision),
      close: () => target.close(),
      transact: (transaction) => {
        writes += 1;
        if (writes > allowed) stop.abort();
        return target.transact(transaction);
      },
    };
    const first = migrate(source, stopping, stop.signal);
    if (stop.signal.aborted || allowed < 5) {
      await assert.rejects(first, { name: 'AbortError' });
      await assert.rejects(refuseHalfMigrated(target), (error) => hasCode(error, 'data-in-use'));
    } else if (
      await first.then(
        () => true,
        () => false,
      )
    )
      break;
    await source.transact({
      then: [
        put('k/7', Buffer.from('new')),
        put('a', Buffer.alloc(1)),
        { kind: 'delete', range: prefixed('k/1') },
      ],
    });
    await migrate(source, target);
    assert.deepEqual(await contents(target), await contents(source));
    await refuseHalfMigrated(target);
  }
});

test('a target that holds something of its own, or of another source, is left alone', async () => {
  const source = await filled(3);
  const used = empty();
  await used.transact({ then: [put('mine', Buffer.alloc(1))] });
  await assert.rejects(migrate(source, used), (error) => hasCode(error, 'condition-failed'));
  const target = empty();
  await migrate(source, target);
  await assert.rejects(migrate(await filled(1), target), (error) => hasCode(error, 'condition-failed'));
  assert.deepEqual(await contents(target), await contents(source));
});
