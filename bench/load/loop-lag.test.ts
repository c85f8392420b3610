import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopLag } from './loop-lag.ts';

test('a loop that stands still for half a second in every five is seen, however seldom its timer fired late', () => {
  using lag = new LoopLag(0);
  let nowMs = 0;
  for (let turn = 0; turn < 10; turn++) {
    for (let fired = 0; fired < 450; fired++) lag.fired((nowMs += 10));
    lag.fired((nowMs += 500));
  }
  // A tenth of all that was due came late, evenly from nothing to 490 ms.
  assert.ok(lag.msP99 > 400 && lag.msP99 < 490, String(lag.msP99));
});

test('a loop that keeps up has no lag', () => {
  using lag = new LoopLag(0);
  for (let nowMs = 10; nowMs < 10_000; nowMs += 10) lag.fired(nowMs);
  assert.ok(lag.msP99 < 1);
});
