import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Ballot, TICKS_PER_MS, ZERO_BALLOT } from '#common/ballot.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { spaceId } from '#common/ids.ts';
import { type AcceptedState, NOTHING_COUNTED } from '../protocol/accepted-state.ts';
import { RegisterReplica, type ReplicaAction, type ReplicaOptions } from './replica.ts';

const START_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const KEY = keyOf('a');

function keyOf(name: string): RecordKey {
  return recordKey(spaceId('00'.repeat(16)), recordKinds.object, 0, name);
}

/** A ballot of so many milliseconds after the start. */
function at(ms: number, writer = 1): Ballot {
  return { clock: (START_MS + ms) * TICKS_PER_MS, writer };
}

function stateAt(ballot: Ballot, content = ''): AcceptedState {
  const empty = Buffer.alloc(0);
  return {
    ballot,
    history: [],
    horizon: ZERO_BALLOT,
    counted: NOTHING_COUNTED,
    live: true,
    summary: empty,
    content: Buffer.from(content),
  };
}

/** A replica whose disk is a map, with a ceiling high enough to be out of the way. */
class Bench {
  nowMs = START_MS;
  readonly disk = new Map<string, AcceptedState>();
  readonly replica: RegisterReplica;

  constructor(options: Partial<ReplicaOptions> = {}) {
    this.replica = new RegisterReplica({
      floor: 0,
      accepted: (key) => this.disk.get(key.toString('latin1')),
      nowMs: () => this.nowMs,
      ...options,
    });
    this.replica.ceilingRaised((START_MS + 2 * HOUR_MS) * TICKS_PER_MS);
  }

  prepare(ballot: Ballot, key = KEY): ReplicaAction {
    return this.replica.prepare(key, ballot);
  }

  /** Hands an ACCEPT in; returns what makes its append durable. */
  append(state: AcceptedState, key = KEY): () => void {
    const action = this.replica.accept(key, state);
    assert.ok(action.type === 'append', action.type);
    assert.equal(action.state, state);
    return () => {
      this.disk.set(key.toString('latin1'), state);
      action.settle(true);
    };
  }
}

function refused(clock: number): ReplicaAction {
  return { type: 'answer', answer: { type: 'refused', clock } };
}

function promised(state?: AcceptedState): ReplicaAction {
  return { type: 'answer', answer: { type: 'promised', state } };
}

describe('a PREPARE', () => {
  test('is promised once, and only above what was promised before', () => {
    const bench = new Bench();
    assert.deepEqual(bench.prepare(at(5)), promised());
    assert.deepEqual(bench.prepare(at(5)), refused(at(5).clock));
    assert.deepEqual(bench.prepare(at(4)), refused(at(5).clock));
    assert.deepEqual(bench.prepare(at(5, 0)), refused(at(5).clock));
    assert.deepEqual(bench.prepare(at(5, 2)), promised());
    assert.deepEqual(bench.prepare(at(6)), promised());
  });

  test('is promised only above what was accepted, which the promise shows', () => {
    const bench = new Bench();
    const state = stateAt(at(5), 'kept');
    bench.append(state)();
    assert.deepEqual(bench.prepare(at(5)), refused(at(5).clock));
    assert.deepEqual(bench.prepare(at(3)), refused(at(5).clock));
    assert.deepEqual(bench.prepare(at(6)), promised(state));
  });

  test('of one key knows nothing of another', () => {
    const bench = new Bench();
    bench.prepare(at(9), keyOf('b'));
    assert.deepEqual(bench.prepare(at(5)), promised());
  });

  test('waits for the state on its way to the disk, and then shows it', () => {
    const bench = new Bench();
    const [first, second] = [stateAt(at(5), 'first'), stateAt(at(6), 'second')];
    const firstDurable = bench.append(first);
    const secondDurable = bench.append(second);
    assert.deepEqual(bench.prepare(at(7)), { type: 'await', state: second });
    assert.deepEqual(bench.prepare(at(4)), refused(at(6).clock));
    firstDurable();
    assert.deepEqual(bench.prepare(at(7)), { type: 'await', state: second });
    secondDurable();
    assert.deepEqual(bench.prepare(at(7)), promised(second));
  });
});

describe('an ACCEPT', () => {
  test('is appended under the ballot that was promised, or one above it', () => {
    const bench = new Bench();
    bench.prepare(at(5));
    bench.append(stateAt(at(5)))();
    bench.append(stateAt(at(7)))();
    assert.deepEqual(bench.prepare(at(6)), refused(at(7).clock));
  });

  test('is refused below what was promised, and at or below what was accepted', () => {
    const bench = new Bench();
    bench.prepare(at(5));
    assert.deepEqual(bench.replica.accept(KEY, stateAt(at(4))), refused(at(5).clock));
    bench.append(stateAt(at(5)))();
    bench.append(stateAt(at(8)))();
    assert.deepEqual(bench.replica.accept(KEY, stateAt(at(5))), refused(at(8).clock));
  });

  test('that is repeated is answered again, but not before it is durable', () => {
    const bench = new Bench();
    const state = stateAt(at(5));
    const durable = bench.append(state);
    assert.deepEqual(bench.replica.accept(KEY, stateAt(at(5))), { type: 'await', state });
    durable();
    const again = bench.replica.accept(KEY, stateAt(at(5)));
    assert.deepEqual(again, { type: 'answer', answer: { type: 'accepted' } });
  });

  test('guards its ballot while it is on its way to the disk', () => {
    const bench = new Bench();
    bench.append(stateAt(at(5)));
    assert.deepEqual(bench.replica.accept(KEY, stateAt(at(4))), refused(at(5).clock));
    bench.append(stateAt(at(6)));
    assert.deepEqual(bench.replica.accept(KEY, stateAt(at(5))), refused(at(6).clock));
  });

  test('leaves its ballot promised when its append fails', () => {
    const bench = new Bench();
    const action = bench.replica.accept(KEY, stateAt(at(5)));
    assert.ok(action.type === 'append');
    action.settle(false);
    assert.deepEqual(bench.prepare(at(4)), refused(at(5).clock));
    assert.deepEqual(bench.prepare(at(6)), promised());
  });

  test('does not end a promise above it', () => {
    const bench = new Bench();
    const durable = bench.append(stateAt(at(5)));
    bench.append(stateAt(at(7)));
    durable();
    assert.deepEqual(bench.replica.accept(KEY, stateAt(at(6))), refused(at(7).clock));
  });
});

describe('the ceiling', () => {
  const tick = (ms: number): number => (START_MS + ms) * TICKS_PER_MS;

  function fresh(floor: number): { readonly replica: RegisterReplica; move: (ms: number) => void } {
    let nowMs = START_MS;
    const replica = new RegisterReplica({ floor, accepted: () => undefined, nowMs: () => nowMs });
    return {
      replica,
      move: (ms) => {
        nowMs += ms;
      },
    };
  }

  test('must be durable above a ballot before that is promised', () => {
    const { replica } = fresh(0);
    assert.deepEqual(replica.prepare(KEY, at(0)), { type: 'raise', ceiling: tick(10_000) });
    replica.ceilingRaised(tick(10_000));
    assert.deepEqual(replica.prepare(KEY, at(0)), promised());
    assert.deepEqual(replica.prepare(KEY, at(10_000)), { type: 'raise', ceiling: tick(11_000) });
    assert.deepEqual(replica.prepare(KEY, at(9999)), promised());
  });

  test('is due when less than half of it is left, and never falls', () => {
    const { replica, move } = fresh(0);
    assert.equal(replica.ceilingDue(), tick(10_000));
    replica.ceilingRaised(tick(10_000));
    replica.ceilingRaised(tick(3000));
    move(5000);
    assert.equal(replica.ceilingDue(), undefined);
    move(1);
    assert.equal(replica.ceilingDue(), tick(15_001));
  });

  test('that was durable is the floor after a restart: every promise that was forgotten lies below it', () => {
    const { replica } = fresh(tick(10_000));
    assert.deepEqual(replica.prepare(KEY, at(9999)), refused(tick(10_000)));
    assert.deepEqual(replica.accept(KEY, stateAt(at(10_000))), refused(tick(10_000)));
    assert.equal(replica.accept(KEY, stateAt(at(10_001))).type, 'append');
    replica.ceilingRaised(tick(30_000));
    assert.deepEqual(replica.prepare(keyOf('b'), at(10_001)), promised());
  });

  test('stays near the clock, however often the device restarts under ballots that follow its floor', () => {
    let nowMs = START_MS;
    let ceiling = 0;
    for (let restart = 0; restart < 1000; restart += 1) {
      const replica = new RegisterReplica({ floor: ceiling, accepted: () => undefined, nowMs: () => nowMs });
      const clock = Math.max(ceiling + 1, nowMs * TICKS_PER_MS);
      const action = replica.prepare(KEY, { clock, writer: 1 });
      assert.ok(action.type === 'raise');
      ceiling = action.ceiling;
      nowMs += 1000;
    }
    assert.ok(ceiling / TICKS_PER_MS - nowMs < 20_000);
  });
});

describe('a tombstone that is forgotten', () => {
  test('keeps what was under way below it away, from every key', () => {
    const bench = new Bench();
    const late = stateAt(at(3));
    assert.deepEqual(bench.prepare(late.ballot), promised());
    bench.append({ ...stateAt(at(5)), live: false })();
    bench.replica.forget(at(5));
    bench.disk.clear();
    assert.deepEqual(bench.replica.accept(KEY, late), refused(at(5).clock));
    assert.deepEqual(bench.prepare(at(4)), refused(at(5).clock));
    assert.deepEqual(bench.prepare(at(6)), promised());
  });

  test('must lie below a durable ceiling first, which is the floor after a restart', () => {
    const bench = new Bench();
    const high = at(3 * HOUR_MS);
    const ceiling = bench.replica.ceilingFor(high);
    assert.ok(ceiling !== undefined && ceiling > high.clock);
    bench.replica.ceilingRaised(ceiling);
    assert.equal(bench.replica.ceilingFor(high), undefined);
    assert.equal(bench.replica.ceilingFor(at(1)), undefined);
  });
});

describe('limits', () => {
  test('a ballot more than an hour ahead of the clock is failed', () => {
    const bench = new Bench();
    assert.throws(() => bench.prepare(at(HOUR_MS + 1)), { code: 'clock-skewed' });
    assert.throws(() => bench.replica.accept(KEY, stateAt(at(HOUR_MS + 1))), { code: 'clock-skewed' });
    assert.deepEqual(bench.prepare(at(HOUR_MS)), promised());
  });

  test('too many promises raise the floor, which guards them all', () => {
    const bench = new Bench({ promisesMax: 2 });
    bench.prepare(at(7), keyOf('a'));
    bench.prepare(at(3), keyOf('b'));
    bench.prepare(at(5), keyOf('c'));
    for (const name of ['a', 'b', 'c', 'd']) {
      assert.deepEqual(bench.prepare(at(6), keyOf(name)), refused(at(7).clock));
    }
    assert.deepEqual(bench.prepare(at(8), keyOf('a')), promised());
  });

  test('promises end with the writes they were given for', () => {
    const bench = new Bench({ promisesMax: 2 });
    for (let index = 0; index < 20; index += 1) {
      const key = keyOf(`k${index}`);
      assert.deepEqual(bench.prepare(at(index), key), promised());
      bench.append(stateAt(at(index)), key)();
    }
    assert.deepEqual(bench.prepare(at(0), keyOf('other')), promised());
  });
});

describe('a REPAIR', () => {
  const repair = (bench: Bench, state: AcceptedState, isDamaged = false): ReplicaAction =>
    bench.replica.repair(KEY, state, isDamaged);

  test('gives a replica what it missed, whatever it has promised', () => {
    const bench = new Bench();
    bench.append(stateAt(at(1), 'old'))();
    assert.deepEqual(bench.prepare(at(9)), promised(stateAt(at(1), 'old')));
    assert.equal(repair(bench, stateAt(at(5), 'missed')).type, 'append');
  });

  test('changes nothing where that, or what is above it, is held', () => {
    const bench = new Bench();
    bench.append(stateAt(at(5), 'new'))();
    const held: ReplicaAction = { type: 'answer', answer: { type: 'accepted' } };
    assert.deepEqual(repair(bench, stateAt(at(5), 'new')), held);
    assert.deepEqual(repair(bench, stateAt(at(4), 'old')), held);
  });

  test('is refused by one that has nothing of the key and may have forgotten its tombstone', () => {
    const bench = new Bench();
    bench.replica.forget(at(7));
    assert.deepEqual(repair(bench, stateAt(at(5), 'deleted since')), refused(at(7).clock));
    assert.deepEqual(repair(bench, stateAt(at(7), 'deleted since')), refused(at(7).clock));
    assert.equal(repair(bench, stateAt(at(8), 'written since')).type, 'append');
  });

  test('replaces a state that cannot be read, by the same or by a newer one', () => {
    const damaged = new Bench({
      accepted: () => {
        throw new Error('the record is damaged');
      },
      acceptedBallot: () => at(5),
    });
    assert.equal(repair(damaged, stateAt(at(5), 'the same'), true).type, 'append');
    const another = new Bench({ acceptedBallot: () => at(5) });
    assert.equal(another.replica.accept(KEY, stateAt(at(6), 'newer')).type, 'append');
    assert.deepEqual(another.replica.accept(KEY, stateAt(at(4), 'older')), refused(at(6).clock));
  });
});
