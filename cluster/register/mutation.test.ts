import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BallotClock, TICKS_PER_MS, ZERO_BALLOT } from '#common/ballot.ts';
import { HoldfastError } from '#common/errors.ts';
import { type AcceptedState, NOTHING_COUNTED } from '#storage-node/protocol/accepted-state.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import type { StoredRecord } from '../cluster.ts';
import { votersOf } from './quorum.ts';
import { type Decide, Mutation, type MutationStep } from './mutation.ts';

const ID = 'ab'.repeat(16);
const OTHER_ID = 'cd'.repeat(16);
const EMPTY = Buffer.alloc(0);
const START_MS = 1_800_000_000_000;
const wait = { type: 'wait' };
const pause = { type: 'pause' };
const accepted: NodeReply = { type: 'accepted' };
const failed: NodeReply = { type: 'failed', error: new HoldfastError('peer-unavailable') };

function promised(state?: AcceptedState): NodeReply {
  return { type: 'promised', state };
}

function refused(clock: number): NodeReply {
  return { type: 'refused', clock };
}

function text(record: StoredRecord | undefined): string {
  return record === undefined ? 'nothing' : record.content.toString();
}

/** Writes its text, and tells what it replaced. */
function put(content: string): Decide<string> {
  return (current) => ({
    action: 'write',
    summary: EMPTY,
    content: Buffer.from(content),
    result: `replaced ${text(current)}`,
  });
}

const keep: Decide<string> = (current) => ({ action: 'keep', result: `kept ${text(current)}` });

function stateAt(ms: number, content: string): AcceptedState {
  const ballot = { clock: ms * TICKS_PER_MS, writer: 9 };
  const history = [{ id: OTHER_ID, ballot }];
  return {
    ballot,
    history,
    horizon: ZERO_BALLOT,
    counted: NOTHING_COUNTED,
    live: true,
    summary: EMPTY,
    content: Buffer.from(content),
  };
}

function mutation(decide: Decide<string>, members = 3): Mutation<string> {
  return new Mutation(ID, votersOf(members), new BallotClock(1, () => START_MS), decide);
}

function proposal(step: MutationStep<string>): { readonly round: number; readonly state: AcceptedState } {
  assert.ok(step.type === 'accept', step.type);
  return step;
}

function begin(running: Mutation<string>): number {
  const step = running.begin();
  assert.ok(step.type === 'prepare');
  return step.round;
}

/** Two promises: the second makes the majority. */
function promiseTwice(
  running: Mutation<string>,
  ...states: (AcceptedState | undefined)[]
): MutationStep<string> {
  const round = begin(running);
  assert.deepEqual(running.answer(round, 0, promised(states[0])), wait);
  return running.answer(round, 1, promised(states[1]));
}

/** The same reply of so many members; only the last one moves the mutation on. */
function answerFrom(
  running: Mutation<string>,
  round: number,
  members: number,
  reply: NodeReply,
): MutationStep<string> {
  for (let member = 0; member < members - 1; member += 1) {
    assert.deepEqual(running.answer(round, member, reply), wait);
  }
  return running.answer(round, members - 1, reply);
}

function finish(running: Mutation<string>, round: number): MutationStep<string> {
  assert.deepEqual(running.answer(round, 2, accepted), wait);
  return running.answer(round, 0, accepted);
}

describe('a mutation', () => {
  test('proposes what it decided under the ballot it prepared, its id in the history', () => {
    const running = mutation(put('new'));
    const before = stateAt(START_MS - 10, 'old');
    const { round, state } = proposal(promiseTwice(running, before, undefined));
    assert.deepEqual(state.ballot, { clock: START_MS * TICKS_PER_MS, writer: 1 });
    assert.deepEqual(state.history, [...before.history, { id: ID, ballot: state.ballot }]);
    assert.equal(text(state), 'new');
    assert.deepEqual(finish(running, round), { type: 'done', result: 'replaced old' });
  });

  test('decides on the highest state that a majority shows', () => {
    const running = mutation(put('new'));
    const step = promiseTwice(running, stateAt(START_MS - 10, 'older'), stateAt(START_MS - 5, 'newer'));
    assert.deepEqual(finish(running, proposal(step).round), { type: 'done', result: 'replaced newer' });
  });

  test('finds nothing where a tombstone is, and keeps its history', () => {
    const tombstone = { ...stateAt(START_MS - 10, ''), live: false };
    const running = mutation(put('new'));
    const { round, state } = proposal(promiseTwice(running, tombstone, tombstone));
    assert.deepEqual(state.history[0], tombstone.history[0]);
    assert.deepEqual(finish(running, round), { type: 'done', result: 'replaced nothing' });
  });

  test('leaves a tombstone with the history when it removes', () => {
    const running = mutation((current) => ({ action: 'remove', result: text(current) }));
    const before = { ...stateAt(START_MS - 10, 'old'), summary: Buffer.from('row') };
    const { state } = proposal(promiseTwice(running, before, before));
    assert.deepEqual([state.live, state.summary.length, state.content.length], [false, 0, 0]);
    assert.equal(state.history.length, 2);
  });

  test('hears a member once, and only about the round that is on', () => {
    const running = mutation(put('new'));
    const first = begin(running);
    assert.deepEqual(running.answer(first, 0, promised()), wait);
    assert.deepEqual(running.answer(first, 0, promised()), wait);
    const { round } = proposal(running.answer(first, 1, promised()));
    assert.deepEqual(running.answer(first, 2, promised()), wait);
    assert.deepEqual(running.answer(first, 2, refused(1)), wait);
    assert.deepEqual(running.answer(round, 0, accepted), wait);
    assert.deepEqual(running.answer(round, 0, accepted), wait);
    assert.deepEqual(running.answer(first, 1, accepted), wait);
    assert.equal(running.answer(round, 1, accepted).type, 'done');
    assert.deepEqual(running.answer(round, 2, accepted), wait);
  });

  test('of one, four or five members needs 1, 3 or 3 of them', () => {
    for (const [members, majority] of [
      [1, 1],
      [4, 3],
      [5, 3],
    ] as const) {
      const running = mutation(put('new'), members);
      const prepared = answerFrom(running, begin(running), majority, promised());
      const step = answerFrom(running, proposal(prepared).round, majority, accepted);
      assert.equal(step.type, 'done');
    }
  });
});

describe('a mutation that is refused', () => {
  test('pauses when no majority is left, and begins again above what refused it', () => {
    const running = mutation(put('new'));
    const first = begin(running);
    const above = (START_MS + 5000) * TICKS_PER_MS;
    assert.deepEqual(running.answer(first, 0, refused(above)), wait);
    assert.deepEqual(running.answer(first, 1, failed), pause);
    assert.deepEqual(running.answer(first, 2, promised()), wait);
    const again = running.begin();
    assert.ok(again.type === 'prepare');
    assert.equal(again.ballot.clock, above + 1);
    assert.equal(running.mayHaveTakenEffect, false);
  });

  test('learns from a refusal that comes late', () => {
    const running = mutation(put('new'));
    const first = begin(running);
    begin(running);
    running.answer(first, 0, refused((START_MS + 7000) * TICKS_PER_MS));
    const again = running.begin();
    assert.ok(again.type === 'prepare');
    assert.equal(again.ballot.clock, (START_MS + 7000) * TICKS_PER_MS + 1);
  });

  test('knows that it may have taken effect once an ACCEPT of it was sent', () => {
    const running = mutation(put('new'));
    const { round } = proposal(promiseTwice(running));
    assert.equal(running.mayHaveTakenEffect, true);
    running.answer(round, 0, failed);
    assert.deepEqual(running.answer(round, 1, failed), pause);
  });
});

describe('a mutation that begins again', () => {
  test('does not take effect twice: it re-accepts what holds its id, and answers what it decided then', () => {
    const running = mutation(put('mine'));
    const first = proposal(promiseTwice(running, stateAt(START_MS - 10, 'old'))).state;
    const ballot = { clock: (START_MS + 1) * TICKS_PER_MS, writer: 9 };
    const followed = {
      ...stateAt(START_MS, 'theirs'),
      ballot,
      history: [...first.history, { id: OTHER_ID, ballot }],
    };
    const { round, state } = proposal(promiseTwice(running, followed, undefined));
    assert.equal(text(state), 'theirs');
    assert.deepEqual(state.history, followed.history);
    assert.ok(state.ballot.clock > first.ballot.clock);
    assert.deepEqual(finish(running, round), { type: 'done', result: 'replaced old' });
  });

  test('decides anew where its id is not in the history', () => {
    const running = mutation(put('mine'));
    promiseTwice(running, stateAt(START_MS - 10, 'old'));
    const { round } = proposal(promiseTwice(running, stateAt(START_MS - 5, 'newer')));
    assert.deepEqual(finish(running, round), { type: 'done', result: 'replaced newer' });
  });

  test('does not know its outcome when the horizon has passed its first proposal', () => {
    const running = mutation(put('mine'));
    const { ballot } = proposal(promiseTwice(running)).state;
    const step = promiseTwice(running, { ...stateAt(START_MS + 9000, 'newer'), horizon: ballot });
    assert.ok(step.type === 'failed');
    assert.ok(step.error instanceof HoldfastError);
    assert.equal(step.error.code, 'outcome-unknown');
  });

  test('goes on when the horizon lies below its first proposal, or when it has proposed nothing', () => {
    const horizon = { clock: (START_MS - 1) * TICKS_PER_MS, writer: 9 };
    const below = { ...stateAt(START_MS, 'newer'), horizon };
    const running = mutation(put('mine'));
    promiseTwice(running);
    assert.equal(promiseTwice(running, below).type, 'accept');
    const fresh = mutation(put('mine'));
    begin(fresh);
    assert.equal(
      promiseTwice(fresh, { ...below, horizon: { clock: START_MS * 4096, writer: 9 } }).type,
      'accept',
    );
  });
});

describe('a mutation that keeps what it finds', () => {
  const before = stateAt(START_MS - 10, 'old');

  test('answers at once when a majority shows it under one ballot, or shows nothing', () => {
    assert.deepEqual(promiseTwice(mutation(keep), before, before), { type: 'done', result: 'kept old' });
    assert.deepEqual(promiseTwice(mutation(keep)), { type: 'done', result: 'kept nothing' });
  });

  test('has it decided first when only one member shows it', () => {
    const running = mutation(keep);
    const { round, state } = proposal(promiseTwice(running, undefined, before));
    assert.deepEqual({ ...state, ballot: before.ballot }, before);
    assert.ok(state.ballot.clock > before.ballot.clock);
    assert.equal(running.mayHaveTakenEffect, false);
    assert.deepEqual(finish(running, round), { type: 'done', result: 'kept old' });
  });

  test('has it decided first also when the decision throws, and then fails with what was thrown', () => {
    const error = new Error('the condition failed');
    const refuse: Decide<string> = () => {
      throw error;
    };
    assert.deepEqual(promiseTwice(mutation(refuse), before, before), { type: 'failed', error });
    const running = mutation(refuse);
    const { round, state } = proposal(promiseTwice(running, before, undefined));
    assert.deepEqual({ ...state, ballot: before.ballot }, before);
    assert.deepEqual(finish(running, round), { type: 'failed', error });
  });

  test('forgets what an earlier attempt has thrown', () => {
    const running = mutation((current, ballot) => {
      if (current?.content.toString() === 'old') throw new Error('not this one');
      return put('new')(current, ballot);
    });
    proposal(promiseTwice(running, before, undefined));
    const { round } = proposal(promiseTwice(running, stateAt(START_MS - 5, 'newer')));
    assert.deepEqual(finish(running, round), { type: 'done', result: 'replaced newer' });
  });

  test('decides above an earlier ACCEPT of its own, even where nothing was found', () => {
    let attempts = 0;
    const running = mutation((current, ballot) => {
      attempts += 1;
      return attempts === 1 ? put('first')(current, ballot) : keep(current, ballot);
    });
    const first = proposal(promiseTwice(running)).state;
    const { round, state } = proposal(promiseTwice(running));
    assert.deepEqual([state.live, state.history.length], [false, 0]);
    assert.ok(state.ballot.clock > first.ballot.clock);
    assert.deepEqual(finish(running, round), { type: 'done', result: 'kept nothing' });
  });
});

describe('a mutation while a device joins', () => {
  const joint = (decide: Decide<string>): Mutation<string> =>
    new Mutation(ID, votersOf(3, 1), new BallotClock(1, () => START_MS), decide);

  test('needs a majority of the members and the joining device, in either order', () => {
    const running = joint(put('new'));
    const round = begin(running);
    assert.deepEqual(answerFrom(running, round, 3, promised()), wait);
    const { round: proposed } = proposal(running.answer(round, 3, promised()));
    assert.deepEqual(running.answer(proposed, 3, accepted), wait);
    assert.deepEqual(running.answer(proposed, 1, accepted), wait);
    assert.deepEqual(running.answer(proposed, 2, accepted), { type: 'done', result: 'replaced nothing' });
  });

  test('gives up when the joining device is lost, and goes on with one member less', () => {
    const running = joint(put('new'));
    const round = begin(running);
    assert.deepEqual(running.answer(round, 1, failed), wait);
    assert.deepEqual(running.answer(round, 3, failed), pause);
  });

  test('does not take what the joining device lacks for decided', () => {
    const seen = stateAt(START_MS - 10, 'seen');
    const running = joint(keep);
    const round = begin(running);
    running.answer(round, 0, promised(seen));
    running.answer(round, 1, promised(seen));
    assert.equal(text(proposal(running.answer(round, 3, promised())).state), 'seen');
  });

  test('is decided by whoever votes when it begins again', () => {
    const running = joint(put('new'));
    assert.deepEqual(running.answer(begin(running), 3, failed), pause);
    const step = running.begin(votersOf(3));
    assert.ok(step.type === 'prepare');
    assert.deepEqual(running.answer(step.round, 0, promised()), wait);
    proposal(running.answer(step.round, 1, promised()));
  });
});
