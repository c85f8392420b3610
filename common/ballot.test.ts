import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  BALLOT_BYTES,
  type Ballot,
  BallotClock,
  TICKS_PER_MS,
  ballotTimeMs,
  compareBallots,
  readBallot,
  sameBallot,
  writeBallot,
} from './ballot.ts';

const ballots: fc.Arbitrary<Ballot> = fc
  .tuple(fc.maxSafeNat(), fc.nat({ max: 2 ** 48 - 1 }))
  .map(([clock, writer]) => ({ clock, writer }));

function bytesOf(ballot: Ballot): Buffer {
  const bytes = Buffer.alloc(BALLOT_BYTES);
  assert.equal(writeBallot(bytes, 0, ballot), BALLOT_BYTES);
  return bytes;
}

describe('ballots', () => {
  test('come back from their bytes, at any offset', () => {
    fc.assert(
      fc.property(ballots, fc.nat({ max: 9 }), (ballot, offset) => {
        const bytes = Buffer.alloc(offset + BALLOT_BYTES + 3, 0xff);
        assert.equal(writeBallot(bytes, offset, ballot), offset + BALLOT_BYTES);
        assert.deepEqual(readBallot(bytes, offset), ballot);
      }),
    );
  });

  test('sort as their bytes do', () => {
    fc.assert(
      fc.property(ballots, ballots, (a, b) => {
        assert.equal(Math.sign(compareBallots(a, b)), Buffer.compare(bytesOf(a), bytesOf(b)));
        assert.equal(sameBallot(a, b), compareBallots(a, b) === 0);
        assert.ok(sameBallot(a, { ...a }));
      }),
    );
  });

  test('of one clock are ordered by their writers', () => {
    assert.ok(compareBallots({ clock: 5, writer: 9 }, { clock: 5, writer: 10 }) < 0);
    assert.ok(compareBallots({ clock: 6, writer: 0 }, { clock: 5, writer: 2 ** 48 - 1 }) > 0);
  });

  test('tell the time at which they were made', () => {
    const clock = new BallotClock(1, () => 1_800_000_000_123);
    assert.equal(ballotTimeMs(clock.next()), 1_800_000_000_123);
    assert.equal(ballotTimeMs(clock.next()), 1_800_000_000_123);
  });
});

describe("a writer's clock", () => {
  test('follows the wall clock, and goes on where that stands still or steps back', () => {
    let nowMs = 1000;
    const clock = new BallotClock(7, () => nowMs);
    assert.deepEqual(clock.next(), { clock: 1000 * TICKS_PER_MS, writer: 7 });
    assert.equal(clock.next().clock, 1000 * TICKS_PER_MS + 1);
    nowMs = 400;
    assert.equal(clock.next().clock, 1000 * TICKS_PER_MS + 2);
    nowMs = 2000;
    assert.equal(clock.next().clock, 2000 * TICKS_PER_MS);
  });

  test('moves past what has refused it, and never back', () => {
    const clock = new BallotClock(7, () => 1);
    clock.witness(50 * TICKS_PER_MS);
    clock.witness(20 * TICKS_PER_MS);
    assert.equal(clock.next().clock, 50 * TICKS_PER_MS + 1);
  });

  test('gives rising ballots whatever happens to it', () => {
    const events = fc.array(fc.record({ nowMs: fc.nat(), witnessed: fc.option(fc.nat()) }), { minLength: 2 });
    fc.assert(
      fc.property(events, (steps) => {
        let nowMs = 0;
        const clock = new BallotClock(3, () => nowMs);
        let last = clock.next();
        for (const step of steps) {
          nowMs = step.nowMs;
          if (step.witnessed !== null) clock.witness(step.witnessed);
          const next = clock.next();
          assert.ok(compareBallots(next, last) > 0);
          assert.ok(next.clock > (step.witnessed ?? -1));
          last = next;
        }
      }),
    );
  });

  test('takes no writer that would not fit 48 bits', () => {
    for (const writer of [-1, 0.5, 2 ** 48, Number.NaN]) {
      assert.throws(() => new BallotClock(writer, () => 0), RangeError);
    }
  });
});
