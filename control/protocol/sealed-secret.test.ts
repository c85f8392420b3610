import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { SecretSeal } from './sealed-secret.ts';

const randomness = realRandomness();
const corrupt = (error: unknown) => hasCode(error, 'data-corrupt');

test('a secret opens with the key and for the purpose that it was sealed for, and not otherwise', () => {
  const seal = new SecretSeal(Buffer.alloc(32, 1));
  const sealed = seal.seal(Buffer.from('open sesame'), 'cave', randomness);
  assert.equal(seal.open(sealed, 'cave').toString(), 'open sesame');
  assert.ok(!Buffer.from(sealed, 'base64').includes('sesame'));
  assert.notEqual(seal.seal(Buffer.from('open sesame'), 'cave', randomness), sealed);
  assert.throws(() => seal.open(sealed, 'another cave'), corrupt);
  assert.throws(() => new SecretSeal(Buffer.alloc(32, 2)).open(sealed, 'cave'), corrupt);
  const changed = Buffer.from(sealed, 'base64');
  changed[20] = (changed[20] ?? 0) ^ 1;
  assert.throws(() => seal.open(changed.toString('base64'), 'cave'), corrupt);
  for (const text of ['', 'AQ==', sealed.slice(0, 30)]) assert.throws(() => seal.open(text, 'cave'), corrupt);
});
