import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { memoryStore } from '../store/memory-store.ts';
import { prefixed } from '../store/key-range.ts';
import { isAbsent, isPresent, put, remove } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import { encodeAmounts, limitsKey } from './quota-entries.ts';
import { QuotaExceeded, QuotaLedger } from './quota-ledger.ts';

const project = 'a'.repeat(32);

function openStore(): Store {
  return memoryStore({ clock: realClock(), randomness: realRandomness() });
}

async function volumesIn(store: Store): Promise<{ volumes: number; gigabytes: number }> {
  const { entries } = await store.range(prefixed('volume/'));
  return { volumes: entries.length, gigabytes: entries.reduce((sum, { value }) => sum + Number(value), 0) };
}

describe('the ledger of quotas', () => {
  test('a hundred requests at once, in three processes, never pass a limit, and no figure drifts', async (t) => {
    const seed = randomInt(2 ** 31);
    t.diagnostic(`seed ${seed}`);
    const randomness = seededRandomness(seed);
    const store = openStore();
    const limits = { volumes: 5 + randomness.below(40), gigabytes: 20 + randomness.below(400) };
    await store.transact({ then: [put(limitsKey(project), encodeAmounts(limits))] });
    const ledgers = [1, 2, 3].map(() => new QuotaLedger(store));
    let refused = 0;
    const requests = Array.from({ length: 100 }, async (_, at) => {
      const ledger = ledgers[randomness.below(3)] as QuotaLedger;
      const size = 1 + randomness.below(20);
      const key = `volume/${at}`;
      try {
        const made = await ledger.charge({
          project,
          change: { volumes: 1, gigabytes: size },
          compare: [isAbsent(key)],
          then: [put(key, Buffer.from(String(size)))],
        });
        assert.equal(made.succeeded, true);
      } catch (error) {
        assert.ok(error instanceof QuotaExceeded);
        refused += 1;
        return;
      }
      const there = await volumesIn(store);
      assert.ok(
        there.volumes <= limits.volumes && there.gigabytes <= limits.gigabytes,
        JSON.stringify(there),
      );
      if (randomness.below(3) > 0) return;
      const change = { volumes: -1, gigabytes: -size };
      const gone = await ledger.charge({ project, change, compare: [isPresent(key)], then: [remove(key)] });
      assert.equal(gone.succeeded, true);
    });
    await Promise.all(requests);
    assert.ok(refused > 0, 'some were refused');
    const standing = await new QuotaLedger(store).standing(project);
    const there = await volumesIn(store);
    assert.equal(standing.volumes.used, there.volumes);
    assert.equal(standing.gigabytes.used, there.gigabytes);
  });

  test('what a caller goes by besides does not hold: nothing is done, and nothing is charged', async () => {
    const store = openStore();
    const ledger = new QuotaLedger(store);
    const make = () =>
      ledger.charge({
        project,
        change: { volumes: 1 },
        compare: [isAbsent('volume/1')],
        then: [put('volume/1', Buffer.from('1'))],
      });
    assert.equal((await make()).succeeded, true);
    assert.equal((await make()).succeeded, false);
    assert.deepEqual((await ledger.standing(project)).volumes, { used: 1, limit: 10 });
  });

  test('a limit that is lowered below what there is refuses what is new and takes nothing away', async () => {
    const store = openStore();
    const ledger = new QuotaLedger(store);
    const change = (cores: number) => ledger.charge({ project, change: { cores }, then: [] });
    await change(8);
    await store.transact({ then: [put(limitsKey(project), encodeAmounts({ cores: 4 }))] });
    await assert.rejects(change(1), { code: 'quota-exceeded', quota: 'cores', limit: 4, used: 8 });
    await change(-5);
    await change(1);
    await assert.rejects(change(1), { code: 'quota-exceeded' });
    await assert.rejects(change(-5), { code: 'invalid-argument' });
    await store.transact({ then: [put(limitsKey(project), encodeAmounts({ cores: -1 }))] });
    await change(1000);
    assert.deepEqual((await ledger.standing(project)).cores, { used: 1004, limit: -1 });
  });
});
