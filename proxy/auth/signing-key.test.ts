import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { spaceId } from '#common/ids.ts';
import type { Credential } from './credential-store.ts';
import { SigningKey, SigningKeyCache, deriveSigningKey } from './signing-key.ts';

const secretKey = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

function credential(accessKey: string): Credential {
  const account = spaceId('0'.repeat(32));
  return {
    secretKey,
    principal: { userName: 'a', account, accountName: 'a', accessKey, role: 'owner', admin: false },
  };
}

test('the key of the published example is derived', () => {
  const key = deriveSigningKey(secretKey, '20130524', 'us-east-1');
  const expected = ['20130524', 'us-east-1', 's3', 'aws4_request'].reduce(
    (last: Buffer | string, text) => createHmac('sha256', last).update(text).digest(),
    `AWS4${secretKey}`,
  );
  assert.equal(key.sign('x'), createHmac('sha256', expected).update('x').digest('hex'));
});

test('an HMAC is the same as the one of node:crypto, for every length of key and text', () => {
  for (const keyBytes of [0, 1, 32, 63, 64, 65, 200]) {
    const raw = randomBytes(keyBytes);
    const key = new SigningKey(raw);
    for (const textLength of [0, 1, 100, 447, 448, 449, 2000]) {
      const text = randomBytes(textLength).toString('latin1');
      const expected = createHmac('sha256', raw).update(text, 'latin1').digest('hex');
      assert.equal(key.sign(text), expected, `${keyBytes}, ${textLength}`);
      assert.equal(key.signRaw(text).toString('hex'), expected);
    }
  }
});

test('the cache keeps a bounded number of keys, and none of a secret that has changed', () => {
  const cache = new SigningKeyCache(2);
  const scope = '20130524/us-east-1/s3/aws4_request';
  const find = (of: Credential) => cache.find(of, scope, '20130524', 'us-east-1');
  const [a, b, c] = ['a', 'b', 'c'].map(credential) as [Credential, Credential, Credential];
  const first = find(a);
  assert.equal(find(a), first);
  find(b);
  find(c);
  assert.equal(cache.size, 2);
  assert.notEqual(find(a), first);
  assert.notEqual(find(credential('a')), find(a));
  assert.equal(cache.size, 2);
});
