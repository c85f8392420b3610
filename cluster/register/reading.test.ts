import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ZERO_BALLOT } from '#common/ballot.ts';
import { HoldfastError } from '#common/errors.ts';
import { type AcceptedState, NOTHING_COUNTED } from '#storage-node/protocol/accepted-state.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import { Reading } from './reading.ts';

function stateAt(clock: number): AcceptedState {
  const empty = Buffer.alloc(0);
  const ballot = { clock, writer: 1 };
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

const failed: NodeReply = { type: 'failed', error: new HoldfastError('peer-unavailable') };
const nothing: NodeReply = { type: 'state', state: undefined };
const noBallot: NodeReply = { type: 'ballot', ballot: undefined, live: false };

function whole(state: AcceptedState): NodeReply {
  return { type: 'state', state };
}

function ballotOf(state: AcceptedState): NodeReply {
  return { type: 'ballot', ballot: state.ballot, live: state.live };
}

const wait = { type: 'wait' };
const settle = { type: 'settle' };

describe('a read', () => {
  test('asks a majority, by preference', () => {
    assert.deepEqual(new Reading([2, 0, 1]).first(), [2, 0]);
    assert.deepEqual(new Reading([0]).first(), [0]);
    assert.deepEqual(new Reading([3, 1, 0, 2]).first(), [3, 1, 0]);
  });

  test('is answered by a state whose ballot another member confirms, in any order', () => {
    const state = stateAt(5);
    const one = new Reading([0, 1, 2]);
    assert.deepEqual(one.answer(0, whole(state)), wait);
    assert.deepEqual(one.answer(1, ballotOf(state)), { type: 'done', state });
    const other = new Reading([0, 1, 2]);
    assert.deepEqual(other.answer(1, ballotOf(state)), wait);
    assert.deepEqual(other.answer(0, whole(state)), { type: 'done', state });
  });

  test('finds nothing when a majority has nothing', () => {
    const reading = new Reading([0, 1, 2]);
    assert.deepEqual(reading.answer(1, noBallot), wait);
    assert.deepEqual(reading.answer(0, nothing), { type: 'done', state: undefined });
  });

  test('asks the third when two differ, and takes what two of the three show', () => {
    const [older, newer] = [stateAt(5), stateAt(6)];
    const reading = new Reading([0, 1, 2]);
    assert.deepEqual(reading.answer(0, whole(older)), wait);
    assert.deepEqual(reading.answer(1, ballotOf(newer)), { type: 'ask', members: [2] });
    assert.deepEqual(reading.answer(2, whole(newer)), { type: 'done', state: newer });
    assert.deepEqual(reading.answer(0, whole(newer)), wait);
  });

  test('must be settled when all differ, or when too few can answer', () => {
    const differing = new Reading([0, 1, 2]);
    differing.answer(0, whole(stateAt(5)));
    differing.answer(1, ballotOf(stateAt(6)));
    assert.deepEqual(differing.answer(2, whole(stateAt(7))), settle);
    const lonely = new Reading([0, 1, 2]);
    lonely.answer(0, whole(stateAt(5)));
    assert.deepEqual(lonely.answer(1, failed), { type: 'ask', members: [2] });
    assert.deepEqual(lonely.answer(2, failed), settle);
  });

  test('never answers with a ballot alone: where its state is lost, another member is asked for it', () => {
    const state = stateAt(5);
    const reading = new Reading([0, 1, 2]);
    assert.deepEqual(reading.answer(1, ballotOf(state)), wait);
    assert.deepEqual(reading.answer(0, failed), { type: 'ask', members: [2] });
    assert.deepEqual(reading.answer(2, whole(state)), { type: 'done', state });
  });

  test('does not wait for a silent member once it is hurried', () => {
    const state = stateAt(5);
    const reading = new Reading([0, 1, 2]);
    reading.answer(0, whole(state));
    assert.deepEqual(reading.hurry(), { type: 'ask', members: [2] });
    assert.deepEqual(reading.hurry(), wait);
    assert.deepEqual(reading.answer(2, whole(state)), { type: 'done', state });
    assert.deepEqual(reading.hurry(), wait);
  });

  test('counts a member once, however often it answers', () => {
    const state = stateAt(5);
    const reading = new Reading([0, 1, 2]);
    assert.deepEqual(reading.answer(0, whole(state)), wait);
    assert.deepEqual(reading.answer(0, whole(state)), wait);
    assert.deepEqual(reading.answer(1, ballotOf(state)), { type: 'done', state });
  });

  test('of a single member is answered by it alone', () => {
    const state = stateAt(5);
    assert.deepEqual(new Reading([0]).answer(0, whole(state)), { type: 'done', state });
    assert.deepEqual(new Reading([0]).answer(0, failed), settle);
  });

  test('of four members needs three', () => {
    const state = stateAt(5);
    const reading = new Reading([0, 1, 2, 3]);
    reading.answer(0, whole(state));
    assert.deepEqual(reading.answer(1, ballotOf(state)), wait);
    assert.deepEqual(reading.answer(2, noBallot), { type: 'ask', members: [3] });
    assert.deepEqual(reading.answer(3, nothing), settle);
  });
});

describe('a read while a device joins', () => {
  test('asks the joining device too, and is answered when it shows the same', () => {
    const state = stateAt(5);
    const reading = new Reading([1, 0, 2], 1);
    assert.deepEqual(reading.first(), [1, 0, 3]);
    assert.deepEqual(reading.answer(1, whole(state)), wait);
    assert.deepEqual(reading.answer(0, ballotOf(state)), wait);
    assert.deepEqual(reading.answer(3, ballotOf(state)), { type: 'done', state });
  });

  test('is settled when the joining device shows something else, or nothing, or fails', () => {
    const state = stateAt(5);
    for (const reply of [ballotOf(stateAt(4)), noBallot, failed]) {
      const reading = new Reading([0, 1, 2], 1);
      reading.answer(0, whole(state));
      reading.answer(1, ballotOf(state));
      assert.deepEqual(reading.answer(3, reply), { type: 'ask', members: [2] });
      assert.deepEqual(reading.answer(2, whole(state)), settle);
    }
  });
});
