import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZERO_BALLOT } from '#common/ballot.ts';
import { type AcceptedState, NOTHING_COUNTED } from '#storage-node/protocol/accepted-state.ts';
import { allAlike, highestState, majorityOf } from './quorum.ts';

function stateAt(clock: number, writer = 1): AcceptedState {
  const empty = Buffer.alloc(0);
  const ballot = { clock, writer };
  return {
    ballot,
    history: [],
    horizon: ZERO_BALLOT,
    counted: NOTHING_COUNTED,
    live: true,
    summary: empty,
    content: empty,
  };
}

test('two majorities always share a member', () => {
  assert.deepEqual([1, 2, 3, 4, 5].map(majorityOf), [1, 2, 2, 3, 3]);
});

test('the highest state is the one with the highest ballot, whoever shows it', () => {
  const highest = stateAt(7, 2);
  assert.equal(highestState([stateAt(7, 1), undefined, highest, stateAt(3, 9)]), highest);
  assert.equal(highestState([undefined, undefined]), undefined);
  assert.equal(highestState([]), undefined);
});

test('states are alike under one ballot, or when there is none', () => {
  assert.ok(allAlike([stateAt(7), stateAt(7)]));
  assert.ok(allAlike([undefined, undefined]));
  assert.ok(allAlike([stateAt(7)]));
  assert.ok(!allAlike([stateAt(7), stateAt(8)]));
  assert.ok(!allAlike([stateAt(7, 1), stateAt(7, 2)]));
  assert.ok(!allAlike([undefined, stateAt(7)]));
  assert.ok(!allAlike([stateAt(7), undefined]));
});
