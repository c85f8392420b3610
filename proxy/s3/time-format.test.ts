import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isoTime } from './time-format.ts';

test('a time is written as a Date writes it, leap years and centuries included', () => {
  const most = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
  for (const ms of [0, 951_782_399_999, 951_782_400_000, Date.UTC(2100, 1, 28), Date.UTC(2100, 2, 1), most]) {
    assert.equal(isoTime(ms), new Date(ms).toISOString());
  }
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: most + 1e6 }), (ms) => {
      assert.equal(isoTime(ms), new Date(ms).toISOString());
    }),
    { numRuns: 2000 },
  );
});
