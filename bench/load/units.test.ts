import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { formatBytes, formatFigure, parseBytes, parseDurationMs } from './units.ts';

test('sizes are powers of 1,024, however their unit is written', () => {
  assert.equal(parseBytes('100'), 100);
  assert.equal(parseBytes('4k'), 4096);
  assert.equal(parseBytes('4KiB'), 4096);
  assert.equal(parseBytes('1.5m'), 1.5 * 2 ** 20);
  assert.equal(parseBytes('1G'), 2 ** 30);
  assert.equal(formatBytes(parseBytes('1536k')), '1.5 MiB');
  assert.equal(formatBytes(17), '17 B');
});

test('a duration without a unit is seconds', () => {
  assert.equal(parseDurationMs('10'), 10_000);
  assert.equal(parseDurationMs('250ms'), 250);
  assert.equal(parseDurationMs('2m'), 120_000);
});

test('what is neither is refused', () => {
  for (const text of ['', 'k', '4x', '-1', '4 4k', '1e3'])
    assert.throws(
      () => parseBytes(text),
      (error) => hasCode(error, 'invalid-argument'),
    );
  for (const text of ['', 's', '10 years', '-1s'])
    assert.throws(
      () => parseDurationMs(text),
      (error) => hasCode(error, 'invalid-argument'),
    );
});

test('figures keep three digits and never an exponent', () => {
  assert.deepEqual([0, 0.01234, 1.2345, 12.345, 12345.6].map(formatFigure), [
    '0',
    '0.0123',
    '1.23',
    '12.3',
    '12346',
  ]);
  assert.equal(formatFigure(Number.NaN), '-');
});
