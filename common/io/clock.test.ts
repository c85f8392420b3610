import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from './clock.ts';
import { MANUAL_START_MS, ManualClock } from './manual-clock.ts';
import { realClock } from './real-clock.ts';

const clocks: { name: string; make: () => Clock; pass: (clock: Clock, ms: number) => Promise<void> }[] = [
  {
    name: 'real',
    make: realClock,
    pass: (_clock, ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  },
  {
    name: 'manual',
    make: () => new ManualClock(),
    pass: async (clock, ms) => {
      if (clock instanceof ManualClock) clock.advance(ms);
    },
  },
];

for (const { name, make, pass } of clocks) {
  test(`${name} clock: timers fire once, in order, and not when cancelled`, async () => {
    const clock = make();
    const fired: string[] = [];
    const started = clock.monotonicMs();
    clock.after(20, () => fired.push('second'));
    clock.after(1, () => fired.push('first'));
    clock.after(5, () => fired.push('never')).cancel();
    await pass(clock, 60);
    assert.deepEqual(fired, ['first', 'second']);
    assert.ok(clock.monotonicMs() - started >= 59);
    assert.ok(Number.isInteger(clock.nowMs()));
  });
}

test('the real clock: a timer of more than the 24.8 days that setTimeout knows is not called at once', async () => {
  let isCalled = false;
  const timer = realClock().after(2 ** 31 + 1000, () => (isCalled = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  timer.cancel();
  assert.equal(isCalled, false);
});

test('the manual clock moves only when told; a step of the wall does not touch timers', () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  clock.after(100, () => {
    seen.push(clock.nowMs());
    clock.after(0, () => seen.push(clock.monotonicMs()));
  });
  clock.stepWall(-5000);
  assert.equal(clock.nowMs(), MANUAL_START_MS - 5000);
  assert.equal(clock.pendingTimers, 1);
  assert.equal(clock.advanceToNext(), true);
  assert.deepEqual(seen, [MANUAL_START_MS - 4900, 100]);
  assert.equal(clock.advanceToNext(), false);
});
