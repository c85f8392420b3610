import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Turns } from './turns.ts';

interface Member {
  readonly number: number;
}

describe('turns', () => {
  test('come in the order of their members, without those that have left', () => {
    const turn = fc.oneof(
      { weight: 4, arbitrary: fc.constant('add' as const) },
      { weight: 2, arbitrary: fc.constant('next' as const) },
      { weight: 5, arbitrary: fc.nat({ max: 100 }) },
    );
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 400 }), (happened) => {
        const turns = new Turns<Member>();
        const leaving: (() => void)[] = [];
        let waiting: Member[] = [];
        for (const [number, what] of happened.entries()) {
          if (what === 'add') {
            const member = { number };
            const leave = turns.add(member);
            waiting.push(member);
            leaving.push(() => {
              leave();
              waiting = waiting.filter((other) => other !== member);
            });
          } else if (what === 'next') {
            assert.equal(turns.next(), waiting.shift());
          } else {
            // Also for one whose turn has come, and one that has left already.
            leaving[what]?.();
          }
          assert.equal(turns.size, waiting.length);
        }
        for (const member of waiting) assert.equal(turns.next(), member);
        assert.equal(turns.next(), undefined);
      }),
    );
  });
});
