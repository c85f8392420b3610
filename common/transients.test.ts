import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { TransientMap, Transients } from './transients.ts';

/** 20,000 items of 1,600 bytes come and go; a Set or a Map has nearly all of them carried to the old generation. */
const CARRIED_BYTES_MAX = 4 * 1024 * 1024;

describe('transients', () => {
  test('are there from when they are added until they are removed', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 200 }), (turns) => {
        const transients = new Transients<{ readonly number: number }>();
        const there = new Map<{ readonly number: number }, number>();
        for (const [number, turn] of turns.entries()) {
          const chosen = [...there][turn];
          if (chosen === undefined) {
            const item = { number };
            there.set(item, transients.add(item));
          } else {
            const [item, slot] = chosen;
            assert.equal(transients.remove(slot, item), true);
            there.delete(item);
          }
          assert.equal(transients.size, there.size);
          assert.deepEqual(new Set(transients), new Set(there.keys()));
        }
        assert.equal(new Set(there.values()).size, there.size);
      }),
    );
  });

  test('one that has been removed is not there to be removed, also when its slot is another one’s', () => {
    const transients = new Transients<{ readonly name: string }>();
    const [one, other] = [{ name: 'one' }, { name: 'other' }];
    const slot = transients.add(one);
    assert.equal(transients.remove(-1, one), false);
    assert.equal(transients.remove(slot, one), true);
    assert.equal(transients.remove(slot, one), false);
    assert.equal(transients.add(other), slot);
    assert.equal(transients.remove(slot, one), false);
    assert.deepEqual([...transients], [other]);
  });

  test('may be removed while they are gone through', () => {
    const transients = new Transients<{ readonly number: number }>();
    const items = Array.from({ length: 5 }, (_, number) => ({ number }));
    const slots = items.map((item) => transients.add(item));
    const seen: number[] = [];
    for (const { number } of transients) {
      seen.push(number);
      const next = items[number + 1];
      if (next !== undefined) transients.remove(slots[number + 1] as number, next);
    }
    assert.deepEqual(seen, [0, 2, 4]);
  });

  test('with keys they are a map, in order of their coming', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('set', 'delete', 'clear'), fc.nat({ max: 12 })), {
          maxLength: 200,
        }),
        (turns) => {
          const transients = new TransientMap<number, { readonly at: number }>();
          const model = new Map<number, { readonly at: number }>();
          for (const [at, [what, key]] of turns.entries()) {
            if (what === 'set') {
              const item = { at };
              transients.set(key, item);
              model.set(key, item);
            } else if (what === 'delete') {
              assert.equal(transients.delete(key), model.delete(key));
            } else if (key === 0) {
              transients.clear();
              model.clear();
            }
            assert.equal(transients.size, model.size);
            assert.equal(transients.has(key), model.has(key));
            assert.equal(transients.get(key), model.get(key));
            assert.deepEqual([...transients], [...model]);
            assert.deepEqual([...transients.values()], [...model.values()]);
          }
        },
      ),
    );
  });

  for (const kind of ['set', 'map'])
    test(`what has gone from a ${kind} of them is not carried to the old generation`, async () => {
      const fixture = fileURLToPath(new URL('./transients.fixture.ts', import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, [
        '--max-semi-space-size=1',
        fixture,
        kind,
      ]);
      assert.ok(Number(stdout) < CARRIED_BYTES_MAX, `${Number(stdout)} bytes were`);
    });
});
