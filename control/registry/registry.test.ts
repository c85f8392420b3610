import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { ManualClock } from '#common/io/manual-clock.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { createLogger } from '#common/log/logger.ts';
import { QuotaLedger } from '../quota/quota-ledger.ts';
import { memoryStore } from '../store/memory-store.ts';
import { migrateStore } from '../store/migration/migrate.ts';
import { getEntry, isAbsent, put } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import { Claim } from './claim.ts';
import type { KindDefinition } from './kind.ts';
import { Reconciler } from './reconciler.ts';
import { Registry } from './registry.ts';
import type { Resource } from './resource.ts';
import { GIB_MAX, KillableStore, Outside, volumeKind, type WantedVolume } from './world.fixture.ts';

const log = createLogger({
  level: 'error',
  form: 'pretty',
  sink: process.stderr,
  nowMs: () => Date.now(),
});

describe('a resource', () => {
  let clock: ManualClock;
  let store: Store;
  let outside: Outside;
  let registry: Registry;
  let reconciler: Reconciler;

  beforeEach(() => {
    clock = new ManualClock();
    const randomness = seededRandomness(3);
    store = memoryStore({ clock, randomness });
    outside = new Outside();
    const kinds = [volumeKind(outside)];
    registry = new Registry({ store, clock, randomness }, kinds);
    reconciler = new Reconciler({ store, clock, log, kinds });
  });
  afterEach(async () => {
    await reconciler.close();
    await store.close();
  });

  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  async function settle(): Promise<Resource | undefined> {
    const settled = registry.settled('volume', 'v');
    let done = false;
    const mark = (): void => {
      done = true;
    };
    settled.then(mark, mark);
    while (!done) {
      for (let count = 0; count < 20; count += 1) await turn();
      clock.advance(100);
    }
    return settled;
  }

  const make = (gib: number): Promise<Resource> =>
    registry.request('volume', 'v', 'create', { desired: { gib } });
  const refused = (code: Parameters<typeof hasCode>[1]) => (error: unknown) => hasCode(error, code);

  test('is made, changed and removed, step by step', async () => {
    const accepted = await make(5);
    assert.deepEqual(
      [accepted.generation, accepted.observedGeneration, accepted.operation?.name],
      [1, 0, 'create'],
    );
    const made = await settle();
    assert.deepEqual([made?.observedGeneration, made?.operation, made?.observed], [1, null, { gib: 5 }]);
    assert.equal(made?.lastOperation?.name, 'create');
    await registry.request('volume', 'v', 'resize', { desired: { gib: 9 } });
    await settle();
    assert.deepEqual([outside.space.get('v'), outside.exported.get('v')], [9, 9]);
    await registry.request('volume', 'v', 'delete');
    assert.equal(await settle(), undefined);
    assert.equal(outside.space.size + outside.exported.size, 0);
    assert.equal((await store.range({ from: 'claim/', to: 'claim0' })).entries.length, 0);
  });

  test('takes what it needs along, or is not accepted', async () => {
    const along = {
      compare: [isAbsent('name/one')],
      then: [put('name/one', Buffer.from('v'))],
    };
    await registry.request('volume', 'v', 'create', { desired: { gib: 1 }, along });
    await assert.rejects(
      registry.request('volume', 'w', 'create', { desired: { gib: 1 }, along }),
      refused('condition-failed'),
    );
    assert.equal(await registry.get('volume', 'w'), undefined);
    assert.equal((await getEntry(store, 'name/one'))?.value.toString(), 'v');
    await settle();
  });

  test('refuses what cannot be, in words', async () => {
    await assert.rejects(registry.request('volume', 'v', 'resize'), refused('resource-missing'));
    await assert.rejects(registry.retry('volume', 'v'), refused('resource-missing'));
    outside.trouble = () => new Promise(() => {});
    await make(1);
    await assert.rejects(make(2), refused('resource-exists'));
    await assert.rejects(registry.request('volume', 'v', 'resize'), refused('operation-running'));
    await assert.rejects(registry.undo('volume', 'v'), refused('operation-running'));
    await assert.rejects(registry.request('volume', 'v', 'paint'), refused('invalid-argument'));
  });

  test('whose step fails says which and why, and is tried again or undone', async () => {
    await make(5);
    await settle();
    await registry.request('volume', 'v', 'resize', { desired: { gib: 1000 } });
    const failed = await settle();
    assert.deepEqual(
      [failed?.operation?.state, failed?.operation?.failure?.code, failed?.operation?.failure?.message],
      ['failed', 'no-space', 'there is no room for 1000 GiB'],
    );
    await registry.retry('volume', 'v');
    assert.equal((await settle())?.operation?.state, 'failed');
    await registry.undo('volume', 'v');
    const back = await settle();
    assert.deepEqual([back?.operation, back?.desired, back?.observed], [null, { gib: 5 }, { gib: 5 }]);
    assert.equal(back?.generation, back?.observedGeneration);
    assert.equal(outside.space.get('v'), 5);
  });

  test('that could not be made is gone when that is undone, and so is all that was made for it', async () => {
    outside.trouble = async (step, moment) => {
      if (step === 'export' && moment === 'after') throw new Error('the line is dead');
    };
    await make(5);
    while ((await registry.get('volume', 'v'))?.operation?.state !== 'failed') {
      await turn();
      clock.advance(1000);
    }
    const failed = await registry.get('volume', 'v');
    assert.equal(failed?.operation?.failure?.code, 'deadline-passed');
    assert.match(failed?.operation?.failure?.message ?? '', /at export: the line is dead/);
    assert.equal(outside.exported.get('v'), 5);
    await registry.undo('volume', 'v');
    assert.equal(await settle(), undefined);
    assert.equal(outside.space.size + outside.exported.size, 0);
  });

  test('whose step hangs is failed at the deadline, and can be removed', async () => {
    outside.trouble = () => new Promise(() => {});
    await make(5);
    for (let turns = 0; turns < 4000; turns += 1) {
      await turn();
      clock.advance(1000);
    }
    const failed = await registry.get('volume', 'v');
    assert.deepEqual(
      [failed?.operation?.state, failed?.operation?.failure?.code],
      ['failed', 'deadline-passed'],
    );
    outside.trouble = () => Promise.resolve();
    await registry.request('volume', 'v', 'delete');
    assert.equal(await settle(), undefined);
  });

  test('that is removed while it is being made has its step stopped first', async () => {
    let atWork = 0;
    outside.trouble = async (step, moment) => {
      if (step === 'allocate' && moment === 'before') {
        atWork += 1;
        await new Promise<void>((resolve) => clock.after(2000, resolve));
        atWork -= 1;
      } else assert.equal(atWork, 0);
    };
    await make(5);
    while (atWork === 0) await turn();
    await registry.request('volume', 'v', 'delete');
    assert.equal(await settle(), undefined);
    assert.equal(outside.space.size + outside.exported.size, 0);
    assert.equal(outside.overlaps, 0);
  });

  test('gives back what it took along in the transaction in which it is gone, while others change it too', async () => {
    const ledger = new QuotaLedger(store);
    const project = 'p';
    const sizeOf = (one: Resource | 'removed'): number =>
      one === 'removed' ? 0 : ((one.desired as WantedVolume | null)?.gib ?? 0);
    const kind: KindDefinition = {
      ...volumeKind(outside),
      async endsWith(before, after) {
        const charged = sizeOf(before);
        const back = charged - (after === 'removed' ? 0 : sizeOf(after));
        return back === 0 ? {} : await ledger.part(project, { gigabytes: -back });
      },
    };
    await reconciler.close();
    registry = new Registry({ store, clock, randomness: seededRandomness(4) }, [kind]);
    reconciler = new Reconciler({ store, clock, log, kinds: [kind] });
    const used = async (): Promise<number> => (await ledger.standing(project)).gigabytes.used;
    const charged = (gib: number): Promise<Resource> =>
      registry.request('volume', 'v', 'create', {
        desired: { gib },
        along: () => ledger.part(project, { gigabytes: gib }),
      });
    await charged(5);
    assert.equal(await used(), 5);
    await settle();
    // Others charge and give back all the time.
    let isBusy = true;
    const others = (async () => {
      for (let by = 1; isBusy; by = -by)
        await ledger.charge({ project, change: { gigabytes: by }, then: [] });
    })();
    await registry.request('volume', 'v', 'delete');
    assert.equal(await settle(), undefined);
    isBusy = false;
    await others;
    assert.ok((await used()) <= 1, `${await used()} are used`);
    const left = await used();
    // One that cannot be made, and is undone.
    await charged(GIB_MAX + 1);
    assert.equal((await settle())?.operation?.state, 'failed');
    assert.equal(await used(), left + GIB_MAX + 1);
    await registry.undo('volume', 'v');
    assert.equal(await settle(), undefined);
    assert.equal(await used(), left);
  });

  test('whose operation nobody here knows is looked at less and less often', async () => {
    await reconciler.close();
    const { operations } = volumeKind(outside);
    const older = { kind: 'volume', operations: operations.filter(({ name }) => name === 'delete') };
    let claims = 0;
    const counting = new KillableStore(store);
    counting.transact = (transaction) => {
      if (transaction.then.some((one) => one.kind === 'put' && one.key.startsWith('claim/'))) claims += 1;
      return store.transact(transaction);
    };
    reconciler = new Reconciler({ store: counting, clock, log, kinds: [older] });
    await make(5);
    for (let turns = 0; turns < 600; turns += 1) {
      for (let count = 0; count < 5; count += 1) await turn();
      clock.advance(1000);
    }
    assert.ok(claims > 2 && claims < 40, `${claims} claims in ten minutes`);
    // Another operation is not put off.
    await registry.request('volume', 'v', 'delete');
    assert.equal(await settle(), undefined);
  });

  test('has higher and higher fences, also in the store that it is migrated to', async () => {
    const fenceIn = async (where: Store): Promise<number> => {
      const lease = await where.grantLease(10);
      const claim = await Claim.take(where, 'volume', 'v', lease.id);
      assert.ok(claim !== undefined);
      await where.revokeLease(lease.id);
      return claim.fence;
    };
    await make(5);
    await settle();
    for (let count = 0; count < 100; count += 1)
      await store.transact({ then: [put('busy', Buffer.from(String(count)))] });
    const randomness = seededRandomness(5);
    let before = await fenceIn(store);
    let source = store;
    for (let times = 0; times < 2; times += 1) {
      const target = memoryStore({ clock, randomness });
      const { signal } = new AbortController();
      await migrateStore({ source, target, clock, randomness, signal, onProgress: () => undefined });
      const after = await fenceIn(target);
      assert.ok(after > before, `${after} follows ${before}`);
      before = after;
      source = target;
    }
  });

  test('whose deletion fails cannot be undone, and is tried again', async () => {
    await make(5);
    await settle();
    outside.trouble = async () => {
      throw new Error('not now');
    };
    await registry.request('volume', 'v', 'delete');
    while ((await registry.get('volume', 'v'))?.operation?.state !== 'failed') {
      await turn();
      clock.advance(1000);
    }
    await assert.rejects(registry.undo('volume', 'v'), refused('operation-final'));
    outside.trouble = () => Promise.resolve();
    await registry.retry('volume', 'v');
    assert.equal(await settle(), undefined);
  });
});
