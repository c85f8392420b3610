import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRange, parseRangeSet } from './byte-range.ts';

const limits = { rangesMax: 5, overlapsMax: 2, descentsMax: 1 };
const set = (header: string, sizeBytes = 100) => parseRangeSet(header, sizeBytes, limits);

test('one range: first and last, open, and a suffix', () => {
  assert.deepEqual(parseRange('bytes=10-19', 100), { start: 10, end: 20 });
  assert.deepEqual(parseRange('bytes=10-', 100), { start: 10, end: 100 });
  assert.deepEqual(parseRange('bytes=-10', 100), { start: 90, end: 100 });
  assert.deepEqual(parseRange('bytes=-1000', 100), { start: 0, end: 100 });
  assert.equal(parseRange('bytes=100-', 100), 'unsatisfiable');
  assert.equal(parseRange('bytes=-0', 100), 'unsatisfiable');
  assert.equal(parseRange('bytes=1-2,4-5', 100), undefined);
});

test('a set keeps its order and drops what the object has no byte of', () => {
  assert.deepEqual(set('bytes=20-29,0-9,500-'), [
    { start: 20, end: 30 },
    { start: 0, end: 10 },
  ]);
  assert.deepEqual(set('BYTES = 0 - 9 '), [{ start: 0, end: 10 }]);
  assert.equal(set('bytes=100-,200-300'), 'unsatisfiable');
  assert.equal(set('bytes=0-', 0), 'unsatisfiable');
});

test('a set that is malformed, of another unit or wasteful is ignored', () => {
  for (const header of ['bytes=', 'bytes=-', 'bytes=9-1', 'bytes=a-b', 'lines=0-1', '0-1', 'bytes=0-1;2-3'])
    assert.equal(set(header), undefined, header);
  assert.equal(set(`bytes=${'0-0,'.repeat(100_000)}0-0`), undefined, 'more than the limit');
  assert.equal(set('bytes=0-,0-,0-'), undefined, 'three pairs that overlap');
  assert.equal(set('bytes=20-29,10-19,0-9'), undefined, 'two that step back');
  assert.equal(set('bytes=20-29,0-9,10-15')?.length, 3);
});
