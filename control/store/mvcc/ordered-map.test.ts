import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { OrderedMap } from './ordered-map.ts';

const OPERATIONS = 20_000;
const KEYS = 3000;

test('an ordered map does what a sorted list does, through many chunks', () => {
  const random = seededRandomness(5);
  const map = new OrderedMap<number>();
  const model = new Map<string, number>();
  const keyAt = (): string => `k${random.below(KEYS)}`;
  for (let at = 0; at < OPERATIONS; at += 1) {
    const key = keyAt();
    // It grows first, and shrinks to nothing afterwards.
    if (random.below(OPERATIONS) > at) {
      map.set(key, at);
      model.set(key, at);
    } else {
      map.delete(key);
      model.delete(key);
    }
    assert.equal(map.get(key), model.get(key));
    if (at % 500 > 0) continue;
    const [from, to] = [keyAt(), keyAt()].toSorted((a, b) => (a < b ? -1 : 1));
    assert.ok(from !== undefined && to !== undefined);
    const wanted = [...model].filter(([one]) => one >= from && one < to);
    assert.deepEqual(
      [...map.between(from, to)],
      wanted.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
    assert.equal(map.size, model.size);
  }
  for (const key of model.keys()) map.delete(key);
  assert.deepEqual([...map.between('', '\x7f')], []);
});
