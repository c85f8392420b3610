import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TICKS_PER_MS, ZERO_BALLOT } from '#common/ballot.ts';
import {
  type AcceptedState,
  type AppliedOperation,
  NOTHING_COUNTED,
} from '#storage-node/protocol/accepted-state.ts';
import { HISTORY_MAX, remember } from './history.ts';

function operation(ms: number): AppliedOperation {
  return { id: ms.toString(16).padStart(32, '0'), ballot: { clock: ms * TICKS_PER_MS, writer: 1 } };
}

function stateWith(history: readonly AppliedOperation[], horizon = ZERO_BALLOT): AcceptedState {
  const empty = Buffer.alloc(0);
  const ballot = history.at(-1)?.ballot ?? ZERO_BALLOT;
  return { ballot, history, horizon, counted: NOTHING_COUNTED, live: true, summary: empty, content: empty };
}

describe('the history of a record', () => {
  test('begins with its first operation, and with no horizon', () => {
    assert.deepEqual(remember(undefined, operation(1)), { history: [operation(1)], horizon: ZERO_BALLOT });
  });

  test('keeps what is young enough, in order', () => {
    const kept = [operation(1000), operation(2000)];
    const remembered = remember(stateWith(kept), operation(301_000));
    assert.deepEqual(remembered, { history: [...kept, operation(301_000)], horizon: ZERO_BALLOT });
  });

  test('moves its horizon to the youngest that has become too old', () => {
    const kept = [operation(1000), operation(2000), operation(3000)];
    const remembered = remember(stateWith(kept), operation(302_001));
    assert.deepEqual(remembered.history, [operation(3000), operation(302_001)]);
    assert.deepEqual(remembered.horizon, operation(2000).ballot);
  });

  test('never holds more than its bound, and its horizon says what has left', () => {
    let state = stateWith([]);
    for (let ms = 1; ms <= 100; ms += 1) {
      const { history, horizon } = remember(state, operation(ms));
      assert.equal(history.length, Math.min(ms, HISTORY_MAX));
      assert.deepEqual(history.at(-1), operation(ms));
      assert.deepEqual(horizon, ms > HISTORY_MAX ? operation(ms - HISTORY_MAX).ballot : ZERO_BALLOT);
      state = stateWith(history, horizon);
    }
  });

  test('never moves its horizon back', () => {
    const horizon = operation(5000).ballot;
    const remembered = remember(stateWith([operation(4000)], horizon), operation(900_000));
    assert.deepEqual(remembered, { history: [operation(900_000)], horizon });
  });
});
