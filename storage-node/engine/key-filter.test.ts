import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyFilter } from './key-filter.ts';

test('a key that was added is never new again, and few others pass for it', () => {
  const filter = new KeyFilter();
  let taken = 0;
  for (let number = 0; number < 100_000; number += 1) {
    if (!filter.add(`photos/2026/${number}.jpg`)) taken += 1;
  }
  assert.ok(taken < 200, String(taken));
  for (let number = 0; number < 100_000; number += 1) {
    assert.equal(filter.add(`photos/2026/${number}.jpg`), false);
  }
});
