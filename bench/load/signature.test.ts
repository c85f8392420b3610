import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { headerValue } from './response-reader.ts';
import { RequestFactory } from './request-factory.ts';
import { UNSIGNED_PAYLOAD } from './signature.ts';

// The package declares no types.
const aws4 = createRequire(import.meta.url)('aws4') as {
  sign(
    request: Record<string, unknown>,
    credentials: Record<string, string>,
  ): { readonly headers: Record<string, string> };
};

const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};

function sent(text: string): (name: string) => string | undefined {
  const fields = { text: text.trimEnd(), lowerText: text.trimEnd().toLowerCase() };
  return (name) => headerValue(fields, name);
}

for (const sessionToken of [undefined, 'a-token/of=some+length'])
  test(`requests are signed as aws4 signs them, ${sessionToken === undefined ? 'without' : 'with'} a session token`, () => {
    const nowMs = Date.UTC(2026, 1, 28, 23, 59, 58);
    const factory = new RequestFactory(
      {
        endpoint: 'http://store.example:8080/base',
        protocol: 's3',
        region: 'eu-west-9',
        bucket: 'a-bucket',
        credentials: { ...credentials, sessionToken },
      },
      () => nowMs,
    );
    for (const [method, name, query, contentLength] of [
      ['GET', 'c0/w0/000000001', '', undefined],
      ['PUT', 'c0/w0/000000001', 'partNumber=2&uploadId=a%2Fb', 10],
      ['GET', '', 'continuation-token=x%3D&list-type=2&max-keys=1000&prefix=c0%2F', undefined],
    ] as const) {
      const payloadHash = contentLength === undefined ? {} : { payloadHash: UNSIGNED_PAYLOAD };
      const head = sent(
        factory.head({
          method,
          name,
          query,
          ...(contentLength === undefined ? {} : { contentLength }),
          ...payloadHash,
        }),
      );
      const path = `/base/a-bucket${name === '' ? '' : `/${name}`}${query === '' ? '' : `?${query}`}`;
      const headers: Record<string, string> = {
        'X-Amz-Date': head('x-amz-date') ?? '',
        'X-Amz-Content-Sha256': head('x-amz-content-sha256') ?? '',
      };
      const signed = aws4.sign(
        { service: 's3', region: 'eu-west-9', method, host: 'store.example:8080', path, headers },
        sessionToken === undefined ? credentials : { ...credentials, sessionToken },
      );
      assert.equal(head('authorization'), signed.headers['Authorization']);
      assert.equal(head('x-amz-security-token'), sessionToken);
      assert.equal(head('host'), 'store.example:8080');
    }
  });

test('the date and the key of the day change at midnight, and the clock going back changes them again', () => {
  let nowMs = Date.UTC(2026, 1, 28, 23, 59, 59, 999);
  const target = {
    endpoint: 'http://h',
    protocol: 's3',
    region: 'r',
    bucket: 'bucket',
    credentials,
  } as const;
  const factory = new RequestFactory(target, () => nowMs);
  const before = sent(factory.head({ method: 'GET', name: 'n' }));
  nowMs += 1;
  const after = sent(factory.head({ method: 'GET', name: 'n' }));
  nowMs -= 1;
  const again = sent(factory.head({ method: 'GET', name: 'n' }));
  assert.equal(before('x-amz-date'), '20260228T235959Z');
  assert.equal(after('x-amz-date'), '20260301T000000Z');
  assert.notEqual(after('authorization'), before('authorization'));
  assert.equal(again('authorization'), before('authorization'));
});

test('without credentials, or without S3, nothing is signed', () => {
  for (const protocol of ['s3', 'http'] as const) {
    const given = protocol === 's3' ? undefined : credentials;
    const target = { endpoint: 'http://h:1/', protocol, region: 'r', bucket: 'folder', credentials: given };
    const head = new RequestFactory(target, Date.now).head({ method: 'PUT', name: 'n', contentLength: 3 });
    assert.equal(head, 'PUT /folder/n HTTP/1.1\r\nHost: h:1\r\nContent-Length: 3\r\n\r\n');
  }
});
