import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DELAY_MS_MAX, HEALTHY_AFTER_MS, RestartPolicy } from './restart-policy.ts';

describe('a process that dies', () => {
  test('starts again at once, and ever later while it keeps dying young', () => {
    const policy = new RestartPolicy();
    const delays = Array.from({ length: 12 }, () => policy.delayAfterDeath(100));
    assert.deepEqual(delays.slice(0, 5), [0, 0, 250, 500, 1000]);
    assert.equal(delays.at(-1), DELAY_MS_MAX);
  });

  test('after it had been well starts at once again', () => {
    const policy = new RestartPolicy();
    for (let death = 0; death < 8; death++) policy.delayAfterDeath(100);
    assert.equal(policy.delayAfterDeath(HEALTHY_AFTER_MS), 0);
  });
});
