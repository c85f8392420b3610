import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '#common/io/manual-clock.ts';
import { Admission, OWED_ALWAYS } from './admission.ts';

const SOCKET = new Socket();

const request = (complete: boolean, headersSent = false) => ({
  incoming: { complete },
  response: { headersSent, socket: SOCKET },
});

/** As many more as are taken, up to a bound. */
function taken(admission: Admission, most: number): (() => void)[] {
  const over: (() => void)[] = [];
  while (over.length < most && !admission.refuses(request(true).response))
    over.push(admission.add(request(true)));
  return over;
}

test('slow senders and readers keep nobody out, however many', async () => {
  const clock = new ManualClock();
  const admission = new Admission(clock, 4000);
  for (let index = 0; index < 3000; index += 1) {
    assert.equal(admission.refuses(request(true).response), false);
    admission.add(index % 2 === 0 ? request(false) : request(true, true));
    clock.advance(1);
    await setImmediate();
  }
  assert.equal(taken(admission, 1000).length, OWED_ALWAYS);
});

test('more requests under way than are taken are refused, whatever they wait for', () => {
  const admission = new Admission(new ManualClock(), 20);
  for (let index = 0; index < 20; index += 1) admission.add(request(false));
  assert.equal(admission.refuses(request(true).response), true);
});

test('as many answers may be owed as are given in a quarter of a second', async () => {
  const clock = new ManualClock();
  const admission = new Admission(clock, 10_000);
  let owed = taken(admission, 10_000);
  assert.equal(owed.length, OWED_ALWAYS);
  // Eight answers a millisecond, for two seconds of always as much as is taken: room for 2,000 in a quarter of a second.
  for (let tick = 0; tick < 2000; tick += 1) {
    for (const over of owed.splice(0, 8)) over();
    clock.advance(1);
    await setImmediate();
    owed = owed.concat(taken(admission, 12));
  }
  assert.ok(owed.length > 1500 && owed.length <= 2100, `${owed.length} owed at 8,000 a second`);
  // The machine becomes slow: what is owed falls to what is always taken.
  for (let tick = 0; tick < 12_000; tick += 1) {
    if (tick % 5 === 0) owed.shift()?.();
    clock.advance(1);
    await setImmediate();
    owed = owed.concat(taken(admission, 1));
  }
  assert.ok(owed.length <= OWED_ALWAYS + 64, `${owed.length} owed at 200 a second`);
});

test('a turn of the event loop that has taken requests for long refuses what it finds behind them', async () => {
  const clock = new ManualClock();
  const admission = new Admission(clock, 4000);
  for (let answered = 0; answered < OWED_ALWAYS; answered += 1) {
    assert.equal(admission.refuses(request(true).response), false);
    admission.add(request(true))();
    clock.advance(1);
  }
  clock.advance(1);
  assert.equal(admission.refuses(request(true).response), true);
  await setImmediate();
  assert.equal(admission.refuses(request(true).response), false);
});

test('what waits behind other requests of its connection is taken, up to what is under way at once', () => {
  const admission = new Admission(new ManualClock(), 600);
  const behind = { incoming: { complete: true }, response: { headersSent: false, socket: null } };
  for (let index = 0; index < 600; index += 1) {
    assert.equal(admission.refuses(behind.response), false);
    admission.add({ ...behind });
  }
  assert.equal(admission.refuses(behind.response), true);
});
