/** What broken and hostile clients send, some of it straight to the socket. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { HEALTH_PATH } from '#proxy/server.ts';
import { exchange, headOf } from './raw-requests.fixture.ts';
import { ada, openTestBed, type TestBed, texts } from './s3-test-bed.ts';

async function openWithBucket(): Promise<TestBed> {
  const bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  return bed;
}

test('paths that are no percent-encoded UTF-8 are InvalidURI', async () => {
  await using bed = await openWithBucket();
  for (const path of [
    '/box/%',
    '/box/%zz',
    '/box/%ff',
    '/box/%c3%28',
    '/box/%ed%a0%80',
    '/box/k?prefix=%',
    '/%E0/x',
  ]) {
    const answer = await bed.send({ method: 'GET', path, as: null });
    assert.equal(answer.code, 'InvalidURI', path);
    assert.equal(answer.status, 400);
  }
  assert.equal((await bed.send({ method: 'GET', path: '/box/a%00b', as: null })).code, 'InvalidArgument');
  assert.equal((await bed.send({ method: 'GET', path: '//key', as: null })).code, 'InvalidBucketName');
  const star = await exchange(bed, (socket) =>
    socket.write('OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
  );
  assert.match(star, /^HTTP\/1\.1 400 .*InvalidURI/s);
  const absolute = await exchange(bed, (socket) =>
    socket.write('GET http://x/box/key HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
  );
  assert.match(absolute, /^HTTP\/1\.1 400 .*InvalidURI/s);
});

test('a key of 1,024 bytes is taken, one of 1,025 is not, whatever its characters', async () => {
  await using bed = await openWithBucket();
  assert.equal((await bed.send({ method: 'PUT', path: `/box/${'k'.repeat(1024)}`, body: 'x' })).status, 200);
  assert.equal(
    (await bed.send({ method: 'PUT', path: `/box/${'k'.repeat(1025)}`, body: 'x' })).code,
    'KeyTooLongError',
  );
  assert.equal(
    (await bed.send({ method: 'PUT', path: `/box/${'%C3%BC'.repeat(513)}`, body: 'x' })).code,
    'KeyTooLongError',
  );
});

test('names, prefixes, markers and tokens of absurd lengths are refused at the door', async () => {
  await using bed = await openWithBucket();
  const long = 'b'.repeat(6000);
  assert.equal((await bed.send({ method: 'GET', path: `/${long}/key` })).code, 'NoSuchBucket');
  assert.equal((await bed.send({ method: 'PUT', path: `/${long}/key`, body: 'x' })).code, 'NoSuchBucket');
  for (const name of ['prefix', 'delimiter', 'marker']) {
    assert.equal((await bed.send({ method: 'GET', path: `/box?${name}=${long}` })).code, 'InvalidArgument');
  }
  for (const query of [`uploads&key-marker=${long}`, `list-type=2&continuation-token=${long}`]) {
    assert.equal((await bed.send({ method: 'GET', path: `/box?${query}` })).code, 'InvalidArgument');
  }
  const many = Array.from({ length: 200 }, (_, index) => `a${index}=1`).join('&');
  assert.equal((await bed.send({ method: 'GET', path: `/box?${many}` })).code, 'InvalidURI');
  assert.deepEqual(bed.complaints, []);
});

test('an error is a document that names the resource and the request; of a HEAD it is only the status', async () => {
  await using bed = await openWithBucket();
  const answer = await bed.send({ method: 'GET', path: '/box/a%26b?x=1' });
  assert.deepEqual(texts(answer.xml, 'Resource'), ['/box/a%26b']);
  assert.deepEqual(texts(answer.xml, 'RequestId'), [answer.headers['x-amz-request-id']]);
  assert.deepEqual(texts(answer.xml, 'HostId'), [answer.headers['x-amz-id-2']]);
  assert.equal(answer.headers['content-type'], 'application/xml');
  const head = await bed.send({ method: 'HEAD', path: '/box/none' });
  assert.deepEqual([head.status, head.body.length], [404, 0]);
});

test('signatures that are missing, wrong or of nobody are refused, and the connection goes on', async () => {
  await using bed = await openWithBucket();
  const nobody = { ...ada, principal: { ...ada.principal, accessKey: 'NOBODY' } };
  const wrong = { ...ada, secretKey: 'guess' };
  assert.equal((await bed.send({ method: 'GET', path: '/box', as: null })).code, 'AccessDenied');
  assert.equal((await bed.send({ method: 'GET', path: '/box', as: nobody })).code, 'InvalidAccessKeyId');
  assert.equal((await bed.send({ method: 'GET', path: '/box', as: wrong })).code, 'SignatureDoesNotMatch');
  const put = await bed.send({ method: 'PUT', path: '/box/key', body: randomBytes(5000), as: wrong });
  assert.equal(put.code, 'SignatureDoesNotMatch');
  const large = await bed.send({ method: 'PUT', path: '/box/key', body: randomBytes(3_000_000), as: wrong });
  assert.equal(large.code, 'SignatureDoesNotMatch', 'the answer is read although the body was not');
  const hash = createHash('sha256').update('other').digest('hex');
  const lie = { method: 'PUT', path: '/box/key', body: 'this', headers: { 'X-Amz-Content-Sha256': hash } };
  assert.equal((await bed.send(lie)).code, 'XAmzContentSHA256Mismatch');
  assert.equal((await bed.send({ method: 'GET', path: '/box/key' })).code, 'NoSuchKey');
});

test('bodies that break off, or that are of no known length, store nothing', async () => {
  await using bed = await openWithBucket();
  const body = randomBytes(300_000);
  const sent = { method: 'PUT', path: '/box/key', body };
  for (const kept of [0, 10, 250_000]) {
    const broken = await exchange(bed, (socket) => {
      socket.write(headOf(bed, sent));
      socket.write(body.subarray(0, kept), () => setTimeout(() => socket.end(), 30));
    });
    assert.doesNotMatch(broken, /^HTTP\/1\.1 200/);
  }
  const chunked = await exchange(bed, (socket) => {
    const { path, headers } = bed.sign({ method: 'PUT', path: '/box/key' });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(
      `PUT ${path} HTTP/1.1\r\n${lines.join('')}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n`,
    );
  });
  assert.match(chunked, /^HTTP\/1\.1 411 .*MissingContentLength/s);
  assert.equal((await bed.send({ method: 'GET', path: '/box/key' })).code, 'NoSuchKey');
  assert.equal(bed.cluster.stripeCount, 0);
});

test('what follows a body is no part of it, and cannot spoil an answer that is under way', async () => {
  await using bed = await openWithBucket();
  const large = randomBytes(4_000_000);
  await bed.send({ method: 'PUT', path: '/box/large', body: large });
  await exchange(bed, (socket) => {
    socket.write(headOf(bed, { method: 'PUT', path: '/box/key', body: 'four' }));
    socket.write('four and more\r\n\r\n');
  });
  assert.notEqual((await bed.send({ method: 'GET', path: '/box/key' })).text, 'four and more');
  const mixed = await exchange(bed, (socket) => {
    socket.write(headOf(bed, { method: 'GET', path: '/box/large' }));
    socket.once('data', () => socket.write('nonsense\r\n\r\n'));
  });
  const body = Buffer.from(mixed.slice(mixed.indexOf('\r\n\r\n') + 4), 'latin1').subarray(0, large.length);
  assert.ok(body.equals(large.subarray(0, body.length)), 'as far as it came, it is the object');
});

test('the body is asked for only when the head has been accepted', async () => {
  await using bed = await openWithBucket();
  const expect = { Expect: '100-continue', Connection: 'close' };
  const body = randomBytes(100_000);
  const accepted = await exchange(bed, (socket) => {
    socket.write(headOf(bed, { method: 'PUT', path: '/box/key', body }, expect));
    socket.once('data', () => socket.write(body));
  });
  assert.match(accepted, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  const refused = await exchange(bed, (socket) => {
    socket.write(headOf(bed, { method: 'PUT', path: '/none/key', body }, expect));
  });
  assert.match(refused, /^HTTP\/1\.1 404 .*NoSuchBucket/s);
  const early = { 'If-None-Match': '*' };
  const conditional = await exchange(bed, (socket) => {
    socket.write(headOf(bed, { method: 'PUT', path: '/box/key', body, headers: early }, expect));
  });
  assert.match(conditional, /^HTTP\/1\.1 412 /);
});

test('heads that are too long or no HTTP are answered and cut off', async () => {
  await using bed = await openWithBucket();
  const long = await exchange(bed, (socket) =>
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
  );
  assert.match(long, /^HTTP\/1\.1 400 .*RequestHeaderSectionTooLarge/s);
  const url = await exchange(bed, (socket) =>
    socket.write(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`),
  );
  assert.match(url, /^HTTP\/1\.1 400 .*RequestHeaderSectionTooLarge/s);
  const nonsense = await exchange(bed, (socket) => socket.write('\u0016\u0003\u0001 nonsense\r\n\r\n'));
  assert.match(nonsense, /^HTTP\/1\.1 400 .*InvalidRequest/s);
});

test('documents that are malformed, or that would multiply, are MalformedXML', async () => {
  await using bed = await openWithBucket();
  const bomb = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><Delete>&c;</Delete>';
  for (const body of [
    bomb,
    '<Delete>',
    '<a>'.repeat(1000),
    'x',
    '\u0000',
    '<Delete><Object/></Delete>',
    '<Other/>',
  ]) {
    const headers = { 'Content-MD5': createHash('md5').update(body).digest('base64') };
    assert.equal(
      (await bed.send({ method: 'POST', path: '/box?delete', body, headers })).code,
      'MalformedXML',
    );
  }
  const body = Buffer.alloc(3 * 1024 * 1024, 'x');
  const headers = { 'Content-MD5': createHash('md5').update(body).digest('base64') };
  assert.equal(
    (await bed.send({ method: 'POST', path: '/box?delete', body, headers })).code,
    'EntityTooLarge',
  );
});

test('a reader that goes away in mid-body ends the read, and hurts nobody', async () => {
  await using bed = await openWithBucket();
  const body = randomBytes(8_000_000);
  await bed.send({ method: 'PUT', path: '/box/key', body });
  for (let round = 0; round < 3; round++) {
    await exchange(bed, (socket) => {
      socket.write(headOf(bed, { method: 'GET', path: '/box/key' }));
      socket.once('data', () => socket.destroy());
    });
  }
  assert.ok((await bed.send({ method: 'GET', path: '/box/key' })).body.equals(body));
  assert.deepEqual(bed.complaints, []);
});

test('requests sent one behind the other on one connection are answered in order', async () => {
  await using bed = await openWithBucket();
  for (const key of ['a', 'b']) await bed.send({ method: 'PUT', path: `/box/${key}`, body: `is ${key}` });
  const answers = await exchange(bed, (socket) => {
    const head = (key: string, more = {}) => headOf(bed, { method: 'GET', path: `/box/${key}` }, more);
    socket.write(head('a') + head('b') + head('a', { Connection: 'close' }));
  });
  assert.deepEqual(answers.match(/is [ab]/g), ['is a', 'is b', 'is a']);
});

test('the health page is no bucket of anybody', async () => {
  await using bed = await openTestBed();
  const health = await bed.send({ method: 'GET', path: HEALTH_PATH, as: null });
  assert.deepEqual(JSON.parse(health.text), { status: 'ok' });
  assert.equal((await bed.send({ method: 'GET', path: `${HEALTH_PATH}x`, as: null })).code, 'NoSuchBucket');
});

test('an expectation that nobody knows is passed over', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  for (const Expect of ['200', '']) {
    const put = await bed.send({ method: 'PUT', path: '/box/key', body: 'x', headers: { Expect } });
    assert.equal(put.status, 200);
  }
});
