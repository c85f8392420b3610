/** Requests signed by aws4, which knows nothing of this code, with whatever a key or a query may hold. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { spaceId } from '#common/ids.ts';
import { authenticateRequest } from './authenticate.ts';
import { AuthenticationError } from './authentication.ts';
import type { Credential } from './credential-store.ts';
import { memoryCredentials } from './memory-credentials.ts';
import { basicTime } from './request-time.ts';
import { SigningKeyCache } from './signing-key.ts';

interface Signed {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string | number>;
}
const aws4 = createRequire(import.meta.url)('aws4') as {
  sign(request: Record<string, unknown>, keys: { accessKeyId: string; secretAccessKey: string }): Signed;
};

const accessKey = 'HOLDFASTTESTKEY00000';
const secretKey = 'a/secret+with=odd characters, forty long';
const nowMs = Date.UTC(2031, 1, 28, 23, 59, 59);
const credential: Credential = {
  secretKey,
  principal: {
    userName: 'ada',
    account: spaceId('ab'.repeat(16)),
    accountName: 'a',
    accessKey,
    role: 'owner',
    admin: true,
  },
};
const store = memoryCredentials([credential]);
const options = { region: 'hold-1', signingKeys: new SigningKeyCache() };

function sign(method: string, path: string, headers: Record<string, string>, signQuery: boolean): Signed {
  const time = signQuery
    ? { path: `${path}${path.includes('?') ? '&' : '?'}X-Amz-Date=${basicTime(nowMs)}&X-Amz-Expires=60` }
    : { path };
  const timed = signQuery
    ? {}
    : { 'X-Amz-Date': basicTime(nowMs), 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' };
  return aws4.sign(
    {
      service: 's3',
      region: 'hold-1',
      method,
      ...time,
      headers: { Host: 'localhost:9000', ...timed, ...headers },
      signQuery,
    },
    { accessKeyId: accessKey, secretAccessKey: secretKey },
  );
}

function authenticate(signed: Signed, path = signed.path) {
  const rawHeaders = Object.entries(signed.headers).flatMap(([name, value]) => [
    name,
    // As http.IncomingMessage gives them: each byte of the UTF-8 as a character.
    Buffer.from(String(value)).toString('latin1'),
  ]);
  return authenticateRequest({ method: signed.method, rawUrl: path, rawHeaders, nowMs }, store, options);
}

/** As the SDKs encode: RFC 3986's unreserved characters bare. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const wellFormed = fc.string({ unit: 'binary', maxLength: 24 }).filter((text) => text.isWellFormed());
const key = fc.array(wellFormed, { minLength: 1, maxLength: 4 }).map((parts) => parts.map(encoded).join('/'));
// The signer keeps parameters in a plain object, which drops one named __proto__.
const parameters = fc.uniqueArray(
  fc.tuple(
    wellFormed.filter((name) => name !== '' && name !== '__proto__' && !name.startsWith('X-Amz')),
    wellFormed,
  ),
  { maxLength: 5, selector: ([name]) => name },
);

test('any key and any query, signed by another, is verified; and nothing else is', () => {
  fc.assert(
    fc.property(key, parameters, fc.boolean(), (keyPath, pairs, signQuery) => {
      const query = pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');
      const path = `/bucket/${keyPath}${query === '' ? '' : `?${query}`}`;
      const signed = sign('GET', path, {}, signQuery);
      assert.equal(authenticate(signed).kind, 'authenticated');
      assert.throws(
        () => authenticate(signed, signed.path.replace('/bucket/', '/bucket2/')),
        (error) => error instanceof AuthenticationError && error.reason === 'SignatureDoesNotMatch',
      );
    }),
    { numRuns: 300, verbose: 1 },
  );
});

test('keys that are sent less encoded than they were signed are verified', () => {
  for (const path of [
    '/bucket/a(b)!*',
    "/bucket/it's",
    '/bucket/a=b&c@d:e,f;g',
    '/bucket/$x',
    '/bucket?prefix=a/b&delimiter=/',
    '/bucket?prefix=a+b',
    '/bucket/%e2%82%ac',
    '/bucket//a//../b/./c/',
    '/bucket?acl',
    '/bucket?uploads&prefix=',
  ]) {
    const signed = sign('GET', path, {}, false);
    assert.equal(authenticate(signed, path).kind, 'authenticated', path);
  }
});

test('metadata beyond ASCII is signed as its bytes', () => {
  const signed = sign('PUT', '/bucket/key', { 'x-amz-meta-name': 'Grüße  aus   Köln €' }, false);
  assert.equal(authenticate(signed).kind, 'authenticated');
});

test('whatever the request line and the headers hold, only typed errors come out', () => {
  const noise = fc.string({ unit: 'binary', maxLength: 60 });
  const mechanism = fc.constantFrom('AWS4-HMAC-SHA256 ', 'AWS ', 'Credential=', '');
  fc.assert(
    fc.property(noise, noise, mechanism, fc.array(noise, { maxLength: 9 }), (url, text, scheme, more) => {
      for (const rawUrl of [`/${url}?X-Amz-Algorithm=${text}&X-Amz-Credential=%${url}`, url]) {
        for (const rawHeaders of [['authorization', `${scheme}${text}`, ...more], more]) {
          try {
            authenticateRequest({ method: 'GET', rawUrl, rawHeaders, nowMs }, store, options);
          } catch (error) {
            assert.ok(error instanceof AuthenticationError, String(error));
          }
        }
      }
    }),
    { numRuns: 300, verbose: 1 },
  );
});
