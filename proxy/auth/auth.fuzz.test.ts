/** Whatever claims to be a signature or a users file: a refusal in its own words, or what was really signed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#common/errors.ts';
import { damagedText, fuzz, onlyRefuses } from '#common/fuzz.fixture.ts';
import { authenticateRequest } from './authenticate.ts';
import { AuthenticationError } from './authentication.ts';
import { memoryCredentials } from './memory-credentials.ts';
import { SigningKeyCache } from './signing-key.ts';
import { parseUsers } from './users-file.ts';

const NOW_MS = Date.parse('2013-05-24T00:00:00Z');
const HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const HEADER =
  'AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1/s3/aws4_request,' +
  `SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=${'0'.repeat(64)}`;
const QUERY =
  '/box/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
  `&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=${'0'.repeat(64)}`;

const store = memoryCredentials([]);

test('nothing is authenticated that nobody signed, and every refusal is one of authentication', (t) => {
  const url = fc.oneof(
    fc.constant('/'),
    damagedText(fc.constant(QUERY)),
    fc.string().map((text) => `/?${text}`),
  );
  const authorization = fc.oneof(damagedText(fc.constant(HEADER)), fc.constant(HEADER), fc.string());
  const more = fc.array(
    fc.tuple(
      fc.constantFrom(
        'x-amz-date',
        'Date',
        'X-Amz-Content-Sha256',
        'Host',
        'x-amz-security-token',
        'authorization',
      ),
      fc.oneof(fc.string(), fc.constantFrom('20130524T000000Z', HASH, 'UNSIGNED-PAYLOAD', HEADER)),
    ),
    { maxLength: 6 },
  );
  fuzz(
    t,
    fc.property(url, fc.option(authorization), more, (rawUrl, header, headers) => {
      const rawHeaders = [...(header === null ? [] : ['Authorization', header]), ...headers.flat()];
      const request = { method: 'GET', rawUrl, rawHeaders, nowMs: NOW_MS };
      const options = { region: 'us-east-1', signingKeys: new SigningKeyCache() };
      const result = onlyRefuses(
        () => authenticateRequest(request, store, options),
        (error) => error instanceof AuthenticationError,
      );
      if (result !== undefined) assert.equal(result.kind, 'anonymous');
    }),
    1500,
  );
});

test('a users file is read or refused', (t) => {
  const user = {
    name: 'ada',
    account: 'a'.repeat(32),
    accountName: 'analysts',
    accessKey: 'AKIDEXAMPLE',
    secretKey: 'secret/secret',
    role: 'owner',
    admin: false,
  };
  const valid = fc.constant(JSON.stringify({ format: 'holdfast-users', version: 2, users: [user] }));
  const isRefusal = (error: unknown) => hasCode(error, 'format-invalid');
  fuzz(
    t,
    fc.property(fc.oneof(damagedText(valid), fc.json(), fc.string()), (text) => {
      onlyRefuses(() => parseUsers(text), isRefusal);
    }),
    1500,
  );
});
