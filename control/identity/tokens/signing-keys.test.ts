/** The keys that sign tokens: published before they sign, kept until their last token has ended. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '#common/io/manual-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { SecretSeal } from '../../protocol/sealed-secret.ts';
import { memoryStore } from '../../store/memory-store.ts';
import { LEAD_MS, SigningKeys } from './signing-keys.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const settings = { rotationMs: DAY_MS, tokenLifetimeMs: HOUR_MS };

describe('the signing keys', () => {
  test('follow each other, with time for everybody to learn of the next', async () => {
    const randomness = realRandomness();
    const store = memoryStore({ clock: new ManualClock(), randomness });
    const seal = new SecretSeal(Buffer.alloc(32, 1));
    const keys = new SigningKeys(store, seal, randomness);
    const ids = async (nowMs: number) => (await keys.rotate(nowMs, settings)).map(({ id }) => id);
    assert.deepEqual(await ids(0), [1]);
    assert.equal(keys.current(0).id, 1);
    assert.deepEqual(await ids(DAY_MS - LEAD_MS - 1), [1]);
    assert.deepEqual(await ids(DAY_MS - LEAD_MS), [1, 2]);
    assert.equal(keys.current(DAY_MS - 1).id, 1, 'the next one is known, and does not sign yet');
    assert.equal(keys.current(DAY_MS).id, 2);
    assert.deepEqual(await ids(DAY_MS + HOUR_MS), [1, 2], 'the last token of the first may still live');
    assert.deepEqual(await ids(DAY_MS + HOUR_MS + LEAD_MS + 1), [2]);
    await store.close();
  });

  test('of several processes that make one at once is one', async () => {
    const randomness = realRandomness();
    const store = memoryStore({ clock: new ManualClock(), randomness });
    const seal = new SecretSeal(Buffer.alloc(32, 1));
    const processes = Array.from({ length: 4 }, () => new SigningKeys(store, seal, randomness));
    const records = await Promise.all(processes.map((keys) => keys.rotate(0, settings)));
    assert.deepEqual(new Set(records.map((each) => each.map(({ publicKey }) => publicKey).join())).size, 1);
    assert.ok(
      records.every((each) => each.every(({ sealed }) => !Buffer.from(sealed, 'base64').includes('PRIVATE'))),
    );
    await store.close();
  });
});
