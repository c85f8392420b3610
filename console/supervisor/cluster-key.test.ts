import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { controlToken, isToken } from './cluster-key.ts';
import { exportLines, reachableHost } from './shell-env.ts';

describe('the token of the control API', () => {
  test('follows from the cluster key, and is not the key', () => {
    const key = Buffer.alloc(32, 7);
    const token = controlToken(key);
    assert.match(token, /^[0-9a-f]{64}$/);
    assert.notEqual(token, key.toString('hex'));
    assert.equal(isToken(token, token), true);
    assert.equal(isToken(token.slice(1), token), false);
    assert.equal(isToken('', token), false);
    assert.notEqual(controlToken(Buffer.alloc(32, 8)), token);
  });
});

describe('lines for a shell', () => {
  test('keep every character of a value', () => {
    assert.equal(exportLines({ A: "it's $HOME" }), "export A='it'\\''s $HOME'\n");
  });

  test('name a host that a client can reach', () => {
    const hosts = ['0.0.0.0', '::', '::1', '10.0.0.1', 's3.local'];
    assert.deepEqual(
      hosts.map((host) => reachableHost({ host, port: 1 })),
      ['127.0.0.1', '[::1]', '[::1]', '10.0.0.1', 's3.local'],
    );
  });
});
