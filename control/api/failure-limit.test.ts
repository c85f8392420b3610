import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FailureLimit } from './failure-limit.ts';

const isRefused = (limit: FailureLimit, address: string): boolean => {
  try {
    limit.check(address);
    return false;
  } catch {
    return true;
  }
};

test('some may fail at once, then one a second; who succeeds, and others, are never held up', () => {
  let nowMs = 0;
  const limit = new FailureLimit(3, () => nowMs);
  for (let failure = 0; failure < 3; failure += 1) {
    assert.equal(isRefused(limit, 'a'), false);
    limit.failed('a');
  }
  assert.equal(isRefused(limit, 'a'), true);
  assert.equal(isRefused(limit, 'b'), false);
  nowMs += 1000;
  assert.equal(isRefused(limit, 'a'), false);
});

test('what was under way together and failed is owed, and paid off within minutes', () => {
  let nowMs = 0;
  const limit = new FailureLimit(30, () => nowMs);
  for (let request = 0; request < 250; request += 1) assert.equal(isRefused(limit, 'a'), false);
  for (let request = 0; request < 250; request += 1) limit.failed('a');
  nowMs += 220_000;
  assert.equal(isRefused(limit, 'a'), true);
  nowMs += 1000;
  assert.equal(isRefused(limit, 'a'), false);
  for (let request = 0; request < 100_000; request += 1) limit.failed('a');
  nowMs += 301_000;
  assert.equal(isRefused(limit, 'a'), false);
});
