import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realRandomness } from './real-randomness.ts';
import { seededRandomness } from './seeded-randomness.ts';

for (const [name, randomness] of [
  ['real', realRandomness()],
  ['seeded', seededRandomness(7)],
] as const) {
  test(`${name} randomness: every value below the bound comes up, none outside`, () => {
    const seen = new Set<number>();
    for (let draw = 0; draw < 1000; draw += 1) seen.add(randomness.below(7));
    assert.deepEqual(
      [...seen].toSorted((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6],
    );
    assert.equal(randomness.below(1), 0);
    const large = randomness.below(2 ** 48);
    assert.ok(Number.isSafeInteger(large) && large >= 0 && large < 2 ** 48);
    assert.equal(randomness.bytes(33).length, 33);
  });
}

test('real randomness never gives the same bytes twice, however small the draws are', () => {
  const randomness = realRandomness();
  const drawn = Array.from({ length: 3000 }, () => randomness.bytes(16));
  assert.ok(drawn.every((bytes) => bytes.length === 16));
  assert.equal(new Set(drawn.map((bytes) => bytes.toString('hex'))).size, drawn.length);
});

test('the same seed gives the same draws, another seed others', () => {
  const draws = (seed: number): string => seededRandomness(seed).bytes(32).toString('hex');
  assert.equal(draws(5), draws(5));
  assert.notEqual(draws(5), draws(6));
  assert.notEqual(draws(5), draws(5 + 2 ** 32));
});
