/** The published examples of Amazon S3's API Reference, "Authenticating Requests (AWS Signature Version 4)". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spaceId } from '#common/ids.ts';
import { authenticateRequest } from './authenticate.ts';
import {
  type Authentication,
  AuthenticationError,
  type AuthenticationReason,
  type SignedRequest,
} from './authentication.ts';
import type { Credential } from './credential-store.ts';
import { memoryCredentials } from './memory-credentials.ts';
import { SigningKeyCache } from './signing-key.ts';

const ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE';
const NOW_MS = Date.UTC(2013, 4, 24);
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const SCOPE = `${ACCESS_KEY}/20130524/us-east-1/s3/aws4_request`;

const account = spaceId('00112233445566778899aabbccddeeff');
const credential: Credential = {
  secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  principal: {
    userName: 'ada',
    account,
    accountName: 'analysts',
    accessKey: ACCESS_KEY,
    role: 'owner',
    admin: false,
  },
};
const store = memoryCredentials([credential]);

function authenticate(request: Partial<SignedRequest>): Authentication {
  return authenticateRequest(
    { method: 'GET', rawUrl: '/', rawHeaders: [], nowMs: NOW_MS, ...request },
    store,
    { region: 'us-east-1', signingKeys: new SigningKeyCache() },
  );
}

function refusal(request: Partial<SignedRequest>): AuthenticationError {
  try {
    authenticate(request);
  } catch (error) {
    assert.ok(error instanceof AuthenticationError, String(error));
    assert.equal(error.code, 'unauthenticated');
    return error;
  }
  return assert.fail('it was accepted');
}

function refusedFor(reason: AuthenticationReason, request: Partial<SignedRequest>, message?: RegExp): void {
  const error = refusal(request);
  assert.equal(error.reason, reason, error.message);
  if (message !== undefined) assert.match(error.message, message);
}

/** The headers of a request to the example's bucket, with `authorization` made of the parts. */
function headers(signed: string, signature: string, more: Record<string, string>): string[] {
  return Object.entries({
    Host: 'examplebucket.s3.amazonaws.com',
    Authorization: `AWS4-HMAC-SHA256 Credential=${SCOPE},SignedHeaders=${signed},Signature=${signature}`,
    'x-amz-date': '20130524T000000Z',
    'x-amz-content-sha256': EMPTY_SHA256,
    ...more,
  }).flat();
}

const getObject = {
  rawUrl: '/test.txt',
  rawHeaders: headers(
    'host;range;x-amz-content-sha256;x-amz-date',
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    { Range: 'bytes=0-9' },
  ),
};

const listSigned = 'host;x-amz-content-sha256;x-amz-date';
const chunkedSigned =
  'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class';

const presigned =
  `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(SCOPE)}` +
  '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
  '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
const presignedHeaders = ['Host', 'examplebucket.s3.amazonaws.com'];

/** The list with one part of its authorization replaced. */
function withAuthorization(from: string | RegExp, to: string): Partial<SignedRequest> {
  const rawHeaders = getObject.rawHeaders.map((text) =>
    text.startsWith('AWS4-') ? text.replace(from, to) : text,
  );
  return { ...getObject, rawHeaders };
}

function withoutHeader(request: { rawUrl: string; rawHeaders: string[] }, name: string) {
  const at = request.rawHeaders.indexOf(name);
  return { ...request, rawHeaders: request.rawHeaders.toSpliced(at, 2) };
}

test('the published examples are accepted', async (context) => {
  const examples: Record<string, Partial<SignedRequest>> = {
    'GET object': getObject,
    'PUT object': {
      method: 'PUT',
      rawUrl: '/test%24file.text',
      rawHeaders: headers(
        'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
        '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
        {
          Date: 'Fri, 24 May 2013 00:00:00 GMT',
          'x-amz-storage-class': 'REDUCED_REDUNDANCY',
          'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
        },
      ),
    },
    'GET bucket lifecycle': {
      rawUrl: '/?lifecycle',
      rawHeaders: headers(listSigned, 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543', {}),
    },
    'list objects': {
      rawUrl: '/?max-keys=2&prefix=J',
      rawHeaders: headers(listSigned, '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7', {}),
    },
    'list objects, its parameters in another order': {
      rawUrl: '/?prefix=J&max-keys=2',
      rawHeaders: headers(listSigned, '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7', {}),
    },
    'presigned GET': { rawUrl: presigned, rawHeaders: presignedHeaders },
  };
  for (const [name, request] of Object.entries(examples)) {
    await context.test(name, () => {
      const { kind } = authenticate(request);
      assert.equal(kind, 'authenticated');
    });
  }
});

test('a chunked upload starts its chain with the seed signature', () => {
  const seed = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9';
  const result = authenticate({
    method: 'PUT',
    rawUrl: '/examplebucket/chunkObject.txt',
    rawHeaders: headers(chunkedSigned, seed, {
      Host: 's3.amazonaws.com',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'Content-Encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '66560',
      'Content-Length': '66824',
    }),
  });
  assert.equal(result.payload.kind, 'signed-chunks');
  assert.ok(result.payload.kind === 'signed-chunks');
  assert.equal(result.payload.trailer, false);
  assert.equal(result.payload.signing.seedSignature, seed);
  assert.equal(result.payload.signing.scope, '20130524/us-east-1/s3/aws4_request');
});

test('a chunked upload with a trailer is accepted with its seed', () => {
  const result = authenticate({
    method: 'PUT',
    rawUrl: '/examplebucket/chunkObject.txt',
    rawHeaders: headers(
      'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer',
      '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
      {
        Host: 's3.amazonaws.com',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
        'Content-Encoding': 'aws-chunked',
        'x-amz-decoded-content-length': '66560',
        'x-amz-trailer': 'x-amz-checksum-crc32c',
      },
    ),
  });
  assert.ok(result.payload.kind === 'signed-chunks' && result.payload.trailer);
});

test('who signed is told', () => {
  const result = authenticate(getObject);
  assert.ok(result.kind === 'authenticated');
  assert.deepEqual(result.principal, credential.principal);
  assert.deepEqual(result.payload, { kind: 'signed', sha256Hex: EMPTY_SHA256 });
});

test('without a signature the request is anonymous', () => {
  assert.deepEqual(authenticate({}), { kind: 'anonymous', payload: { kind: 'unsigned' } });
  const hashed = authenticate({ rawHeaders: ['X-Amz-Content-Sha256', EMPTY_SHA256] });
  assert.deepEqual(hashed.payload, { kind: 'signed', sha256Hex: EMPTY_SHA256 });
  refusedFor('InvalidRequest', {
    rawHeaders: ['x-amz-content-sha256', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'],
  });
});

test('any change to what was signed is refused, and shown', () => {
  for (const change of [
    { ...getObject, method: 'DELETE' },
    { ...getObject, rawUrl: '/test.txt2' },
    { ...getObject, rawUrl: '/test.txt?versions' },
    { ...getObject, rawUrl: '/%74est.txt2' },
    { ...getObject, rawHeaders: getObject.rawHeaders.map((text) => text.replace('0-9', '0-10')) },
    { ...getObject, rawHeaders: [...getObject.rawHeaders, 'Range', 'bytes=0-9'] },
    withAuthorization(/f0e8$/, 'f0e9'),
    withAuthorization(/Signature=f/, 'Signature=e'),
  ]) {
    if (change === undefined) continue;
    if (JSON.stringify(change) === JSON.stringify(getObject)) continue;
    const error = refusal(change);
    assert.equal(error.reason, 'SignatureDoesNotMatch');
    assert.match(
      error.fields['StringToSign'] ?? '',
      /^AWS4-HMAC-SHA256\n20130524T000000Z\n20130524\/us-east-1/,
    );
    assert.match(error.fields['CanonicalRequest'] ?? '', /^(GET|DELETE)\n\/.*\n/);
    assert.match(error.fields['StringToSignBytes'] ?? '', /^41 57 53 34 /);
    assert.equal(error.fields['AWSAccessKeyId'], ACCESS_KEY);
  }
});

test('white space in a header is folded, and a spare one around it trimmed', () => {
  const spaced = getObject.rawHeaders.map((text) => text.replace('bytes=0-9', '  bytes=0-9\t'));
  assert.equal(authenticate({ ...getObject, rawHeaders: spaced }).kind, 'authenticated');
});

test('an unknown access key is named', () => {
  const error = refusal(withAuthorization(ACCESS_KEY, 'AKIDNOBODY'));
  assert.equal(error.reason, 'InvalidAccessKeyId');
  assert.equal(error.fields['AWSAccessKeyId'], 'AKIDNOBODY');
});

test('a clock that is off by more than fifteen minutes is refused', () => {
  for (const minutes of [-15, 15]) {
    assert.equal(authenticate({ ...getObject, nowMs: NOW_MS + minutes * 60_000 }).kind, 'authenticated');
    const error = refusal({ ...getObject, nowMs: NOW_MS + minutes * 60_000 + Math.sign(minutes) });
    assert.equal(error.reason, 'RequestTimeTooSkewed');
    assert.equal(error.fields['RequestTime'], '20130524T000000Z');
  }
});

test('an authorization header that is not well formed says what is wrong', () => {
  const cases: [string | RegExp, string, RegExp][] = [
    [/,Signature=.*/, '', /Signature/],
    [/SignedHeaders=[^,]*,/, '', /SignedHeaders/],
    [/Credential=[^,]*,/, '', /Credential/],
    [/Signature=.*/, 'Signature=xyz', /64 hexadecimal/],
    [/Signature=/, 'Signature=0,Whatever=', /not known/],
    ['/20130524/', '/2013052x/', /date/],
    ['/20130524/', '/20130523/', /Invalid credential date/],
    ['/s3/', '/ec2/', /service/],
    ['aws4_request', 'aws5_request', /terminal/],
    ['/us-east-1/', '/eu-west-1/', /region 'eu-west-1' is wrong; expecting 'us-east-1'/],
    // As s3cmd calls the region before it has been told another one.
    ['/us-east-1/', '/US/', /region 'US' is wrong; expecting 'us-east-1'/],
    ['/us-east-1/', '/', /mal-formed/],
    ['host;', 'Host;', /lower case/],
    ['host;', `${'a;'.repeat(64)}host;`, /too many/],
    ['host;', `${'a'.repeat(4096)};`, /too long/],
  ];
  for (const [from, to, message] of cases) {
    refusedFor('AuthorizationHeaderMalformed', withAuthorization(from, to), message);
  }
  assert.equal(refusal(withAuthorization('/us-east-1/', '/mars-1/')).fields['Region'], 'us-east-1');
});

test('older and foreign mechanisms are refused by name', () => {
  const plain = /Please use AWS4-HMAC-SHA256\./;
  refusedFor('InvalidRequest', { rawHeaders: ['Authorization', `AWS ${ACCESS_KEY}:abc=`] }, plain);
  refusedFor('InvalidRequest', { rawHeaders: ['Authorization', 'AWS4-ECDSA-P256-SHA256 x'] }, plain);
  refusedFor('InvalidRequest', { rawUrl: '/a?AWSAccessKeyId=a&Expires=1&Signature=c' }, plain);
  refusedFor('InvalidArgument', { rawHeaders: ['Authorization', 'Basic eDp5'] }, /Unsupported/);
  refusedFor('InvalidArgument', { rawHeaders: ['Authorization', ''] }, /Unsupported/);
  refusedFor('InvalidArgument', { ...getObject, rawUrl: presigned }, /Only one auth mechanism/);
  refusedFor('InvalidToken', {
    ...getObject,
    rawHeaders: [...getObject.rawHeaders, 'x-amz-security-token', 'abc'],
  });
});

test('headers that S3 needs, and headers that must be signed', () => {
  refusedFor('AccessDenied', withoutHeader(getObject, 'x-amz-date'), /x-amz-date/);
  refusedFor('InvalidRequest', withoutHeader(getObject, 'x-amz-content-sha256'), /x-amz-content-sha256/);
  const error = refusal({ ...getObject, rawHeaders: [...getObject.rawHeaders, 'X-Amz-Acl', 'public-read'] });
  assert.equal(error.reason, 'AccessDenied');
  assert.equal(error.fields['HeadersNotSigned'], 'x-amz-acl');
  assert.equal(refusal(withAuthorization('host;', '')).fields['HeadersNotSigned'], 'host');
  const other = getObject.rawHeaders.map((text) => (text === EMPTY_SHA256 ? 'e3b0' : text));
  refusedFor('InvalidArgument', { ...getObject, rawHeaders: other }, /must be UNSIGNED-PAYLOAD/);
});

test('a presigned URL works within its time and no longer', () => {
  const at = (nowMs: number) => ({ rawUrl: presigned, rawHeaders: presignedHeaders, nowMs });
  assert.equal(authenticate(at(NOW_MS + 86_400_000)).kind, 'authenticated');
  refusedFor('AccessDenied', at(NOW_MS + 86_400_001), /Request has expired/);
  assert.equal(authenticate(at(NOW_MS - 15 * 60_000)).kind, 'authenticated');
  refusedFor('AccessDenied', at(NOW_MS - 15 * 60_000 - 1), /not yet valid/);
});

test('a presigned URL that is not well formed says what is wrong', () => {
  const cases: [string | RegExp, string, RegExp][] = [
    ['=86400', '=604801', /less than a week/],
    ['=86400', '=-1', /non-negative/],
    ['=86400', '=soon', /a number/],
    ['=86400', '=', /requires the/],
    ['&X-Amz-Date=20130524T000000Z', '', /requires the/],
    ['20130524T', '20130231T', /ISO8601/],
    ['us-east-1', 'eu-west-1', /expecting 'us-east-1'/],
    ['AWS4-HMAC-SHA256', 'MD5', /only supports/],
    ['%2F20130524', '%2', /not properly encoded/],
    ['&X-Amz-Date', '&X-Amz-Expires=5&X-Amz-Date', /more than once/],
  ];
  for (const [from, to, message] of cases) {
    const request = { rawUrl: presigned.replace(from, to), rawHeaders: presignedHeaders };
    refusedFor('AuthorizationQueryParametersError', request, message);
  }
  refusedFor('SignatureDoesNotMatch', {
    rawUrl: `${presigned}&x=1`,
    rawHeaders: presignedHeaders,
  });
  refusedFor('AccessDenied', {
    rawUrl: presigned,
    rawHeaders: [...presignedHeaders, 'x-amz-acl', 'public-read'],
  });
  refusedFor('InvalidRequest', {
    rawUrl: presigned.replace('HMAC-SHA256', 'ECDSA-P256-SHA256'),
    rawHeaders: presignedHeaders,
  });
});

test('too many headers, or too much of them, are refused before they are looked at', () => {
  refusedFor('RequestHeaderSectionTooLarge', { rawHeaders: Array.from({ length: 514 }, () => 'a') });
  refusedFor('RequestHeaderSectionTooLarge', { rawHeaders: ['a', 'b'.repeat(65_536)] });
});

test('a path that is no path is refused', () => {
  refusedFor('InvalidURI', { ...getObject, rawUrl: 'http://elsewhere/test.txt' });
});
