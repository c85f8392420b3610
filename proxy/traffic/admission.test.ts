import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '#common/io/manual-clock.ts';
import { Admission, OWED_ALWAYS, UNSENT_BYTES_MAX } from './admission.ts';

const request = (complete: boolean, headersSent = false) => ({
  incoming: { complete },
  response: { headersSent },
});

/** As many more as are taken, up to a bound. */
function taken(admission: Admission, most: number): (() => void)[] {
  const over: (() => void)[] = [];
  while (over.length < most && !admission.refuses()) over.push(admission.add(request(true)));
  return over;
}

test('slow senders and readers keep nobody out, however many', async () => {
  const clock = new ManualClock();
  const admission = new Admission(clock, 4000);
  for (let index = 0; index < 3000; index += 1) {
    assert.equal(admission.refuses(), false);
    admission.add(index % 2 === 0 ? request(false) : request(true, true));
    clock.advance(1);
    await setImmediate();
  }
  assert.equal(taken(admission, 1000).length, OWED_ALWAYS);
});

test('more requests under way than are taken are refused, whatever they wait for', () => {
  const admission = new Admission(new ManualClock(), 20);
  for (let index = 0; index < 20; index += 1) admission.add(request(false));
  assert.equal(admission.refuses(), true);
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
    assert.equal(admission.refuses(), false);
    admission.add(request(true))();
    clock.advance(1);
  }
  clock.advance(1);
  assert.equal(admission.refuses(), true);
  await setImmediate();
  assert.equal(admission.refuses(), false);
});

test('a turn that lasts takes and refuses by turns, and is known to be long until the loop comes round', async () => {
  const clock = new ManualClock();
  const admission = new Admission(clock, 4000);
  assert.equal(admission.isTurnLong, false);
  const taken: boolean[] = [];
  for (let passedMs = 0; passedMs < 1500; passedMs += 0.5) {
    const isTaken = !admission.refuses();
    if (isTaken) admission.add(request(true))();
    taken.push(isTaken);
    clock.advance(0.5);
    assert.equal(admission.isTurnLong, passedMs >= 250);
  }
  const share = taken.filter(Boolean).length / taken.length;
  assert.ok(share > 0.45 && share < 0.55, `${share} of them are taken`);
  await setImmediate();
  assert.equal(admission.isTurnLong, false);
  assert.equal(admission.refuses(), false);
});

test('what has been owed for long does not keep everybody else out, and not without a bound', async () => {
  const clock = new ManualClock();
  const admission = new Admission(clock, 4000);
  const stuck = taken(admission, 4000);
  assert.equal(stuck.length, OWED_ALWAYS);
  const later = async () => {
    clock.advance(2000);
    await setImmediate();
    return taken(admission, 4000);
  };
  const others = await later();
  assert.equal(others.length, OWED_ALWAYS * 0.75);
  for (const over of others) over();
  for (let round = 0; round < 20; round += 1) stuck.push(...(await later()));
  assert.ok(stuck.length > OWED_ALWAYS * 3.5 && stuck.length <= OWED_ALWAYS * 4, `${stuck.length} taken`);
});

test('answers that nobody reads are bounded by their bytes', () => {
  const admission = new Admission(new ManualClock(), 4000);
  const taken = Array.from({ length: 4 }, () => admission.keep(UNSENT_BYTES_MAX / 4));
  assert.equal(admission.refuses(), true);
  taken[0]?.();
  assert.equal(admission.refuses(), false);
});
