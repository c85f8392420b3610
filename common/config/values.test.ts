import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { editDistance, nearest } from './suggestion.ts';
import { sizeInBytes } from './values.ts';

describe('sizes', () => {
  test('are numbers with a decimal or a binary unit', () => {
    assert.equal(sizeInBytes('512 MiB'), 512 * 2 ** 20);
    assert.equal(sizeInBytes('1.5GB'), 1.5e9);
    assert.equal(sizeInBytes('7 B'), 7);
  });

  test('without a known unit are none', () => {
    for (const word of ['', '12', 'MiB', '1 mib', '-1 GB', '1 GiB extra', '1e3 MB'])
      assert.equal(sizeInBytes(word), undefined, word);
  });
});

describe('suggestions', () => {
  test('count a swap of neighbours as one slip', () => {
    assert.equal(editDistance('prot', 'port'), 1);
    assert.equal(editDistance('', 'abc'), 3);
    assert.equal(editDistance('kitten', 'sitting'), 3);
  });

  test('name the nearest word, and none when nothing is near', () => {
    assert.equal(nearest('device', ['devices', 'zones']), 'devices');
    assert.equal(nearest('PORT', ['host', 'port']), 'port');
    assert.equal(nearest('zebra', ['host', 'port']), undefined);
    assert.equal(nearest('x'.repeat(10_000), ['x']), undefined);
  });
});
