import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { confirmMost, findMost, type Outcome } from './find-most.ts';

function storage(sustained: number, limit = Number.POSITIVE_INFINITY) {
  const tried: number[] = [];
  const probe = (count: number): Promise<Outcome> => {
    tried.push(count);
    return Promise.resolve(count > limit ? 'impossible' : count <= sustained ? 'passes' : 'fails');
  };
  return { tried, probe };
}

describe('a search', () => {
  test('finds every number, in few steps', async () => {
    for (let sustained = 0; sustained < 300; sustained++) {
      const { probe, tried } = storage(sustained);
      const found = await findMost(probe, { start: 1, most: 10_000, precision: 0 });
      assert.deepEqual(found, { most: sustained, limitedBy: 'failure' });
      assert.ok(tried.length <= 2 * Math.log2(sustained + 2) + 2, `${sustained}: ${tried.join(' ')}`);
    }
  });

  test('is as precise as it was asked to be', async () => {
    const { probe, tried } = storage(1000);
    const { most } = await findMost(probe, { start: 1, most: 10_000, precision: 0.1 });
    assert.ok(most <= 1000 && most > 900, String(most));
    assert.ok(tried.length < 16);
  });

  test('stops at its bound, and at what cannot be tried', async () => {
    assert.deepEqual(await findMost(storage(1e9).probe, { start: 3, most: 100, precision: 0 }), {
      most: 100,
      limitedBy: 'bound',
    });
    assert.deepEqual(await findMost(storage(1e9, 37).probe, { start: 1, most: 100, precision: 0 }), {
      most: 37,
      limitedBy: 'impossible',
    });
  });

  test('confirms what holds, and less where it does not', async () => {
    const confirmed = (sustained: number, limit?: number) =>
      confirmMost(storage(sustained, limit).probe, 100, 5);
    assert.deepEqual(await confirmed(100), { streams: 100, impossible: false });
    assert.deepEqual(await confirmed(85), { streams: 81, impossible: false });
    assert.deepEqual(await confirmed(40), { streams: 38, impossible: false });
    assert.deepEqual(await confirmed(10), { streams: 0, impossible: false });
    assert.deepEqual(await confirmed(1000, 95), { streams: 90, impossible: true });
  });
});
