import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { openTestBed, type TestBed, texts } from './s3-test-bed.ts';

async function openWithBucket(): Promise<TestBed> {
  const bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  return bed;
}

const md5 = (bytes: Buffer | string) => createHash('md5').update(bytes).digest('hex');

test('objects of every size come back as they were put, and leave nothing behind', async () => {
  await using bed = await openWithBucket();
  for (const size of [0, 1, 4096, 65_536, 65_537, 1_000_003]) {
    const body = randomBytes(size);
    const put = await bed.send({ method: 'PUT', path: '/box/key', body });
    assert.equal(put.status, 200);
    assert.equal(put.headers.etag, `"${md5(body)}"`);
    const got = await bed.send({ method: 'GET', path: '/box/key' });
    assert.equal(got.status, 200);
    assert.ok(got.body.equals(body), `${size} bytes`);
    assert.equal(got.headers['content-length'], String(size));
    const head = await bed.send({ method: 'HEAD', path: '/box/key' });
    assert.equal(head.headers['content-length'], String(size));
    assert.equal(head.headers.etag, put.headers.etag);
    assert.equal(bed.cluster.stripeCount, size > 65_536 ? Math.ceil(size / 100_000) : 0);
  }
  assert.equal((await bed.send({ method: 'DELETE', path: '/box/key' })).status, 204);
  assert.equal(
    (await bed.send({ method: 'DELETE', path: '/box/key' })).status,
    204,
    'deleting nothing is no error',
  );
  const gone = await bed.send({ method: 'GET', path: '/box/key' });
  assert.equal(gone.code, 'NoSuchKey');
  assert.deepEqual(texts(gone.xml, 'Key'), ['key']);
  assert.equal((await bed.send({ method: 'HEAD', path: '/box/key' })).body.length, 0);
  assert.equal(bed.cluster.stripeCount, 0);
  assert.deepEqual(bed.complaints, []);
});

test('names are bytes: dots, empty segments, percent signs and all of Unicode', async () => {
  await using bed = await openWithBucket();
  const keys = [
    '.',
    '..',
    '../..',
    'a//b',
    '/lead',
    'trail/',
    'a+b c',
    '100%',
    '%2F',
    'ünï/çødé',
    '\u{1F600}',
    '\uFFFD',
  ];
  keys.push('q?x=1&y', 'a#b', '\u0001\u001f', '\uFFFE', '"<&>\'', '\r\n');
  for (const key of keys) {
    const path = `/box/${encodeURIComponent(key)}`;
    assert.equal((await bed.send({ method: 'PUT', path, body: key })).status, 200, key);
  }
  for (const key of keys) {
    const got = await bed.send({ method: 'GET', path: `/box/${encodeURIComponent(key)}` });
    assert.equal(got.text, key);
  }
  const listed = texts((await bed.send({ method: 'GET', path: '/box?list-type=2' })).xml, 'Key');
  const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  assert.deepEqual(listed, keys.toSorted(order));
  const encoded = await bed.send({ method: 'GET', path: '/box?list-type=2&encoding-type=url' });
  assert.deepEqual(texts(encoded.xml, 'Key').map(decodeURIComponent), keys.toSorted(order));
});

test('a name under a host of its own, or in the path: it is the same bucket', async () => {
  await using bed = await openWithBucket();
  const hosted = { headers: { Host: 'box.s3.test:9000' } };
  assert.equal((await bed.send({ method: 'PUT', path: '/a/b', body: 'hosted', ...hosted })).status, 200);
  assert.equal((await bed.send({ method: 'GET', path: '/box/a/b' })).text, 'hosted');
  assert.deepEqual(texts((await bed.send({ method: 'GET', path: '/', ...hosted })).xml, 'Key'), ['a/b']);
});

test('headers and metadata come back; aws-chunked does not', async () => {
  await using bed = await openWithBucket();
  const headers = {
    'Content-Type': 'text/plain',
    'Cache-Control': 'max-age=5',
    'Content-Disposition': 'attachment',
    'Content-Encoding': 'gzip,aws-chunked',
    'Content-Language': 'de',
    Expires: 'Thu, 01 Dec 2044 16:00:00 GMT',
    'x-amz-meta-Colour': 'blue',
  };
  await bed.send({ method: 'PUT', path: '/box/key', body: 'x', headers });
  for (const method of ['GET', 'HEAD']) {
    const got = (await bed.send({ method, path: '/box/key' })).headers;
    assert.equal(got['content-type'], 'text/plain');
    assert.equal(got['cache-control'], 'max-age=5');
    assert.equal(got['content-disposition'], 'attachment');
    assert.equal(got['content-encoding'], 'gzip');
    assert.equal(got['content-language'], 'de');
    assert.equal(got['expires'], 'Thu, 01 Dec 2044 16:00:00 GMT');
    assert.equal(got['x-amz-meta-colour'], 'blue');
    assert.equal(got['accept-ranges'], 'bytes');
  }
  const large = { 'x-amz-meta-a': 'x'.repeat(2048) };
  assert.equal(
    (await bed.send({ method: 'PUT', path: '/box/key', body: 'x', headers: large })).code,
    'MetadataTooLarge',
  );
  const plain = await bed.send({ method: 'PUT', path: '/box/plain', body: 'x' });
  assert.equal(plain.status, 200);
  assert.equal(
    (await bed.send({ method: 'GET', path: '/box/plain' })).headers['content-type'],
    'binary/octet-stream',
  );
});

test('a signed read may name the headers of its answer, but not end one', async () => {
  await using bed = await openWithBucket();
  await bed.send({ method: 'PUT', path: '/box/key', body: 'x' });
  const query =
    'response-content-type=text%2Fx&response-content-disposition=attachment%3B%20filename%3D%22%C3%BC%22';
  const got = await bed.send({ method: 'GET', path: `/box/key?${query}`, presigned: true });
  assert.equal(got.headers['content-type'], 'text/x');
  assert.equal(
    Buffer.from(String(got.headers['content-disposition']), 'latin1').toString(),
    'attachment; filename="ü"',
  );
  const split = await bed.send({ method: 'GET', path: '/box/key?response-expires=x%0D%0AEvil%3A%201' });
  assert.equal(split.code, 'InvalidArgument');
});

test('ranges: inside, open, suffix, beyond and malformed; inline and in stripes', async () => {
  await using bed = await openWithBucket();
  for (const size of [1000, 250_000]) {
    const body = randomBytes(size);
    await bed.send({ method: 'PUT', path: '/box/key', body });
    const get = (range: string) => bed.send({ method: 'GET', path: '/box/key', headers: { Range: range } });
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=10-19', 10, 20],
      [`bytes=${size - 5}-`, size - 5, size],
      ['bytes=-7', size - 7, size],
      [`bytes=-${size + 7}`, 0, size],
      [`bytes=500-${size + 500}`, 500, size],
    ] as const) {
      const got = await get(range);
      assert.equal(got.status, 206, range);
      assert.ok(got.body.equals(body.subarray(start, end)), range);
      assert.equal(got.headers['content-range'], `bytes ${start}-${end - 1}/${size}`);
    }
    for (const range of ['bytes=5-2', 'bytes=-', 'items=1-2', 'bytes=0-1,5-6', 'bytes=x-y']) {
      const got = await get(range);
      assert.equal(got.status, 200, range);
      assert.equal(got.body.length, size);
    }
    for (const range of [`bytes=${size}-`, `bytes=${size}-${size + 1}`, 'bytes=-0']) {
      const got = await get(range);
      assert.equal(got.status, 416);
      assert.equal(got.code, 'InvalidRange');
      assert.equal(got.headers['content-range'], `bytes */${size}`);
    }
    const head = await bed.send({ method: 'HEAD', path: '/box/key', headers: { Range: 'bytes=1-3' } });
    assert.equal(head.status, 206);
    assert.equal(head.headers['content-length'], '3');
  }
});

test('checksums are verified, kept, and shown to whoever asks', async () => {
  await using bed = await openWithBucket();
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32('hello'));
  const value = sum.toString('base64');
  const headers = { 'x-amz-checksum-crc32': value };
  const put = await bed.send({ method: 'PUT', path: '/box/key', body: 'hello', headers });
  assert.equal(put.headers['x-amz-checksum-crc32'], value);
  assert.equal(put.headers['x-amz-checksum-type'], 'FULL_OBJECT');
  const mode = { 'x-amz-checksum-mode': 'ENABLED' };
  const got = await bed.send({ method: 'GET', path: '/box/key', headers: mode });
  assert.equal(got.headers['x-amz-checksum-crc32'], value);
  assert.equal(
    (await bed.send({ method: 'GET', path: '/box/key' })).headers['x-amz-checksum-crc32'],
    undefined,
  );
  const wrong = await bed.send({ method: 'PUT', path: '/box/key', body: 'hallo', headers });
  assert.equal(wrong.code, 'BadDigest');
  assert.equal((await bed.send({ method: 'GET', path: '/box/key' })).text, 'hello');
  const badMd5 = { 'Content-MD5': Buffer.from(md5('other'), 'hex').toString('base64') };
  assert.equal(
    (await bed.send({ method: 'PUT', path: '/box/key', body: 'x', headers: badMd5 })).code,
    'BadDigest',
  );
});

test('what is not built is refused and not ignored', async () => {
  await using bed = await openWithBucket();
  for (const [name, value] of [['x-amz-server-side-encryption', 'AES256']] as const) {
    const put = await bed.send({ method: 'PUT', path: '/box/key', body: 'x', headers: { [name]: value } });
    assert.equal(put.code, 'NotImplemented', name);
  }
  const glacier = { 'x-amz-storage-class': 'GLACIER' };
  assert.equal(
    (await bed.send({ method: 'PUT', path: '/box/key', body: 'x', headers: glacier })).code,
    'InvalidStorageClass',
  );
  assert.equal((await bed.send({ method: 'GET', path: '/box/key?versionId=abc' })).code, 'NoSuchVersion');
  await bed.send({ method: 'PUT', path: '/box/key', body: 'x', headers: { 'x-amz-acl': 'private' } });
  assert.equal((await bed.send({ method: 'GET', path: '/box/key?versionId=null' })).text, 'x');
  assert.deepEqual(texts((await bed.send({ method: 'GET', path: '/box/key?tagging' })).xml, 'Tag'), []);
});

test('many keys are deleted in one request, each with its own verdict', async () => {
  await using bed = await openWithBucket();
  for (const key of ['a', 'b', 'c&<d', '\u0001']) {
    await bed.send({ method: 'PUT', path: `/box/${encodeURIComponent(key)}`, body: key });
  }
  const remove = (
    body: string,
    headers: Record<string, string> = { 'Content-MD5': createHash('md5').update(body).digest('base64') },
  ) => bed.send({ method: 'POST', path: '/box?delete', body, headers });
  const object = (key: string, more = '') => `<Object><Key>${key}</Key>${more}</Object>`;
  const first = await remove(
    `<Delete>${object('a')}${object('missing')}${object('b', '<ETag>"0"</ETag>')}${object('x'.repeat(1025))}</Delete>`,
  );
  assert.deepEqual(texts(first.xml, 'Key'), ['a', 'missing', 'b', 'x'.repeat(1025)]);
  assert.deepEqual(texts(first.xml, 'Code'), ['PreconditionFailed', 'KeyTooLongError']);
  const quiet = await remove(
    `<Delete><Quiet>true</Quiet>${object('c&amp;&lt;d')}${object('&#x1;')}</Delete>`,
  );
  assert.deepEqual(quiet.xml.children, []);
  assert.deepEqual(texts((await bed.send({ method: 'GET', path: '/box?list-type=2' })).xml, 'Key'), ['b']);
  assert.equal((await remove(`<Delete>${object('b').repeat(1001)}</Delete>`)).code, 'MalformedXML');
  assert.equal((await remove('<Delete></Delete>')).code, 'MalformedXML');
  assert.equal((await remove(`<Delete>${object('b')}</Delete>`, {})).code, 'InvalidRequest');
  const lie = { 'Content-MD5': createHash('md5').update('other').digest('base64') };
  assert.equal((await remove(`<Delete>${object('b')}</Delete>`, lie)).code, 'BadDigest');
});
