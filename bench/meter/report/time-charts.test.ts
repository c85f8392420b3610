import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyMap } from './time-charts.ts';

test('latencies of ten hours are drawn', () => {
  const heat = Object.fromEntries(Array.from({ length: 5 }, (_, bucket) => [bucket + 3, 1]));
  const seconds = Array.from({ length: 36_000 }, () => heat);
  assert.match(latencyMap('latencies', seconds), /latencies/);
});
