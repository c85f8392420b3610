import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RowHead } from './index-row.ts';
import { RowCache } from './row-cache.ts';

function rowOf(seed: number): RowHead {
  return {
    live: seed % 2 === 0,
    segment: seed,
    offset: 2 ** 32 - 1 - seed,
    length: seed * 3,
    ballot: { clock: 2 ** 52 + seed, writer: 2 ** 48 - 1 - seed },
    counted: { objects: seed % 2, bytes: 2 ** 40 + seed },
  };
}

const row = fc.option(fc.nat({ max: 1000 }).map(rowOf), { nil: null });
const step = fc.record({
  // Of every length up to and past a whole number of words, and some that begin alike.
  key: fc.nat({ max: 60 }).map((id) => Buffer.from(`${'k'.repeat(id % 7)}${id}`)),
  put: fc.option(row, { nil: undefined, freq: 2 }),
});

/** Names of one hash, out of pairs of pieces that leave the hash's state the same. */
function collidingNames(count: number): Buffer[] {
  let state = 0x811c9dc5;
  const names = [''];
  while (names.length < count) {
    const [one, other] = collidingPieces(state);
    names.push(...names.map((name) => name + other));
    for (let index = 0; index < names.length / 2; index += 1) names[index] += one;
    state = stateBehind(state, one);
  }
  return names.map((name) => Buffer.from(name, 'latin1'));
}

/** By their birthdays: among 2^17 states of 32 bits two are the same. */
function collidingPieces(state: number): [string, string] {
  const seen = new Map<number, string>();
  for (let number = 0; ; number += 1) {
    const piece = number.toString(36).padStart(6, '.');
    const behind = stateBehind(state, piece);
    const other = seen.get(behind);
    if (other !== undefined) return [other, piece];
    seen.set(behind, piece);
  }
}

function stateBehind(state: number, piece: string): number {
  let hash = state;
  for (let index = 0; index < piece.length; index += 1)
    hash = Math.imul(hash ^ piece.charCodeAt(index), 0x01000193);
  return hash;
}

describe('the row cache', () => {
  test('gives what was put last, or nothing, however small it is', () => {
    const bytes = fc.constantFrom(0, 40, 400, 1000, 3000, 100_000);
    fc.assert(
      fc.property(bytes, fc.array(step, { maxLength: 300 }), (bytesMax, steps) => {
        const cache = new RowCache(bytesMax);
        const truth = new Map<string, RowHead | null>();
        for (const { key, put } of steps) {
          const name = key.toString();
          if (put !== undefined) {
            cache.set(key, put);
            truth.set(name, put);
          }
          const found = cache.get(key);
          if (found !== undefined) assert.deepEqual(found, truth.get(name));
        }
      }),
      { numRuns: Number(process.env['HOLDFAST_FUZZ_RUNS'] ?? 1) * 300 },
    );
  });

  test('keeps what is used while others come and go', () => {
    const cache = new RowCache(64 * 1024);
    const hot = Buffer.from('hot');
    cache.set(hot, rowOf(4));
    for (let seed = 0; seed < 10_000; seed += 1) {
      cache.set(Buffer.from(`cold ${seed}`), rowOf(seed));
      assert.deepEqual(cache.get(hot), rowOf(4), `after ${seed}`);
    }
    assert.equal(cache.get(Buffer.from('cold 0')), undefined);
    assert.deepEqual(cache.get(Buffer.from('cold 9999')), rowOf(9999));
  });

  test('holds the rows that half of its memory is for, whatever else was there', () => {
    const cache = new RowCache(1024 * 1024);
    const keys = Array.from({ length: 20_000 }, (_, index) => Buffer.from(`${'k'.repeat(48)}${index}`));
    keys.forEach((key, index) => cache.set(key, rowOf(index)));
    const last = keys.slice(-4000);
    const known = last.filter((key, index) => cache.get(key)?.segment === 16_000 + index);
    assert.equal(known.length, last.length);
  });

  test('gives up looking for what was named so that it collides, and is not wrong about it', () => {
    // The hash takes in one byte after the other: what two names have behind a collision they have both.
    const cache = new RowCache(1024 * 1024);
    const found = collidingNames(32);
    found.forEach((key, index) => cache.set(key, rowOf(index)));
    const known = found.filter((key) => cache.get(key) !== undefined);
    assert.ok(known.length >= 16 && known.length < found.length, `${known.length} of ${found.length}`);
    known.forEach((key) => assert.equal(cache.get(key)?.segment, found.indexOf(key)));
  });

  test('knows keys that have no row, and forgets that once they have', () => {
    const cache = new RowCache(4096);
    const key = Buffer.from('key');
    assert.equal(cache.get(key), undefined);
    cache.set(key, null);
    assert.equal(cache.get(key), null);
    cache.set(key, rowOf(2));
    assert.deepEqual(cache.get(key), rowOf(2));
  });

  test('takes no key that is larger than it is, and loses none for it', () => {
    const cache = new RowCache(4096);
    const small = Buffer.from('small');
    const large = Buffer.alloc(5000);
    cache.set(small, rowOf(2));
    cache.set(large, rowOf(4));
    assert.equal(cache.get(large), undefined);
    assert.deepEqual(cache.get(small), rowOf(2));
  });
});
