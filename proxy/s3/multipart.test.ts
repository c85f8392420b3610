import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { digestsOf } from '#proxy/body/digester.ts';
import { type Answer, openTestBed, type TestBed, texts } from './s3-test-bed.ts';

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest();
const sum32 = (bytes: Buffer) =>
  Buffer.from(digestsOf(['crc32'], bytes).crc32 ?? '', 'hex').toString('base64');

async function openWithBucket(): Promise<TestBed> {
  const bed = await openTestBed({ partBytesMin: 1000 });
  await bed.send({ method: 'PUT', path: '/box' });
  return bed;
}

async function begin(bed: TestBed, key = 'big', headers: Record<string, string> = {}): Promise<string> {
  const started = await bed.send({ method: 'POST', path: `/box/${key}?uploads`, headers });
  assert.equal(started.status, 200);
  return texts(started.xml, 'UploadId')[0] ?? '';
}

function sendPart(
  bed: TestBed,
  uploadId: string,
  number: number,
  body: Buffer,
  more: { key?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const path = `/box/${more.key ?? 'big'}?partNumber=${number}&uploadId=${uploadId}`;
  return bed.send({ method: 'PUT', path, body, headers: more.headers ?? {} });
}

function complete(
  bed: TestBed,
  uploadId: string,
  parts: readonly (readonly [number, string])[],
  headers: Record<string, string> = {},
  key = 'big',
): Promise<Answer> {
  const list = parts.map(
    ([number, etag]) => `<Part><ETag>${etag}</ETag><PartNumber>${number}</PartNumber></Part>`,
  );
  const body = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`;
  return bed.send({ method: 'POST', path: `/box/${key}?uploadId=${uploadId}`, body, headers });
}

const etagOf = (body: Buffer) => `"${md5(body).toString('hex')}"`;

test('an upload from beginning to end: parts out of order, one replaced, one left out', async () => {
  await using bed = await openWithBucket();
  const headers = { 'Content-Type': 'video/mp4', 'x-amz-meta-take': '2' };
  const uploadId = await begin(bed, 'big', headers);
  const parts = new Map([1, 2, 3, 5].map((number) => [number, randomBytes(150_000 + number)]));
  await sendPart(bed, uploadId, 2, randomBytes(250_000));
  for (const number of [5, 3, 2, 1]) {
    const body = parts.get(number) ?? Buffer.alloc(0);
    assert.equal((await sendPart(bed, uploadId, number, body)).headers.etag, etagOf(body));
  }
  const listed = await bed.send({ method: 'GET', path: `/box/big?uploadId=${uploadId}&max-parts=3` });
  assert.deepEqual(texts(listed.xml, 'PartNumber'), ['1', '2', '3']);
  assert.deepEqual(texts(listed.xml, 'IsTruncated'), ['true']);
  const rest = await bed.send({ method: 'GET', path: `/box/big?uploadId=${uploadId}&part-number-marker=3` });
  assert.deepEqual(texts(rest.xml, 'Size'), ['150005']);
  assert.equal(
    (await bed.send({ method: 'GET', path: '/box/big' })).code,
    'NoSuchKey',
    'not before it is complete',
  );
  const chosen = [1, 2, 5].map((number) => parts.get(number) ?? Buffer.alloc(0));
  const named = [1, 2, 5].map((number, index) => [number, etagOf(chosen[index] ?? Buffer.alloc(0))] as const);
  const completed = await complete(bed, uploadId, named);
  assert.equal(completed.status, 200, completed.text);
  const etag = `"${md5(Buffer.concat(chosen.map(md5))).toString('hex')}-3"`;
  assert.deepEqual(texts(completed.xml, 'ETag'), [etag]);
  const whole = Buffer.concat(chosen);
  const got = await bed.send({ method: 'GET', path: '/box/big' });
  assert.ok(got.body.equals(whole));
  assert.equal(got.headers.etag, etag);
  assert.equal(got.headers['content-type'], 'video/mp4');
  assert.equal(got.headers['x-amz-meta-take'], '2');
  assert.equal(bed.cluster.stripeCount, 6, 'the replaced and the unused part have left nothing');
  const across = await bed.send({
    method: 'GET',
    path: '/box/big',
    headers: { Range: 'bytes=149990-300020' },
  });
  assert.ok(across.body.equals(whole.subarray(149_990, 300_021)));
  const second = await bed.send({ method: 'GET', path: '/box/big?partNumber=2' });
  assert.equal(second.status, 206);
  assert.ok(second.body.equals(chosen[1] ?? Buffer.alloc(0)));
  assert.equal(second.headers['x-amz-mp-parts-count'], '3');
  assert.equal((await bed.send({ method: 'GET', path: '/box/big?partNumber=3' })).code, 'InvalidPartNumber');
  const again = await complete(bed, uploadId, named);
  assert.deepEqual([again.status, ...texts(again.xml, 'ETag')], [200, etag], 'a repeat gets the same answer');
  await bed.send({ method: 'DELETE', path: '/box/big' });
  assert.equal(
    (await complete(bed, uploadId, named)).code,
    'NoSuchUpload',
    'and cannot bring back what was deleted',
  );
  assert.equal(bed.cluster.stripeCount, 0);
  assert.deepEqual(bed.complaints, []);
});

test('lists that do not fit the parts are refused, and the upload stays open', async () => {
  await using bed = await openWithBucket();
  const uploadId = await begin(bed);
  const small = randomBytes(999);
  const large = randomBytes(1000);
  await sendPart(bed, uploadId, 1, small);
  await sendPart(bed, uploadId, 2, large);
  const first = [1, etagOf(small)] as const;
  const second = [2, etagOf(large)] as const;
  assert.equal((await complete(bed, uploadId, [second, first])).code, 'InvalidPartOrder');
  assert.equal((await complete(bed, uploadId, [[3, 'x'], second, first])).code, 'InvalidPartOrder');
  assert.equal((await complete(bed, uploadId, [[2, etagOf(small)]])).code, 'InvalidPart');
  assert.equal((await complete(bed, uploadId, [[3, etagOf(small)]])).code, 'InvalidPart');
  const refused = await complete(bed, uploadId, [first, second]);
  assert.equal(refused.code, 'EntityTooSmall');
  assert.deepEqual(texts(refused.xml, 'PartNumber'), ['1']);
  assert.equal((await complete(bed, uploadId, [])).code, 'MalformedXML');
  assert.equal((await complete(bed, uploadId, [[0, 'x']])).code, 'MalformedXML');
  assert.equal(
    (await complete(bed, uploadId, [second], { 'x-amz-mp-object-size': '1' })).code,
    'InvalidRequest',
  );
  assert.equal((await complete(bed, '0'.repeat(32), [second])).code, 'NoSuchUpload');
  assert.equal((await complete(bed, uploadId, [second], {}, 'other')).code, 'NoSuchUpload', 'of another key');
  assert.equal((await sendPart(bed, uploadId, 0, large)).code, 'InvalidArgument');
  assert.equal((await sendPart(bed, uploadId, 10_001, large)).code, 'InvalidArgument');
  assert.equal((await sendPart(bed, 'nonsense', 1, large)).code, 'NoSuchUpload');
  assert.equal((await complete(bed, uploadId, [second])).status, 200, 'a right list is still taken');
});

test('a completion may be conditional', async () => {
  await using bed = await openWithBucket();
  await bed.send({ method: 'PUT', path: '/box/big', body: 'before' });
  const uploadId = await begin(bed);
  const body = randomBytes(2000);
  await sendPart(bed, uploadId, 1, body);
  const named = [[1, etagOf(body)]] as const;
  assert.equal((await complete(bed, uploadId, named, { 'If-None-Match': '*' })).code, 'PreconditionFailed');
  assert.equal((await complete(bed, uploadId, named, { 'If-Match': '"x"' })).code, 'PreconditionFailed');
  assert.equal((await bed.send({ method: 'GET', path: '/box/big' })).text, 'before');
  const etag = etagOf(Buffer.from('before'));
  assert.equal((await complete(bed, uploadId, named, { 'If-Match': etag })).status, 200);
});

test('of completions that race, all that answer tell of one object', async () => {
  await using bed = await openWithBucket();
  const uploadId = await begin(bed);
  const body = randomBytes(150_000);
  await sendPart(bed, uploadId, 1, body);
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => complete(bed, uploadId, [[1, etagOf(body)]])),
  );
  assert.ok(answers.some(({ status }) => status === 200));
  assert.ok(answers.every(({ status }) => status === 200 || status === 503));
  assert.ok((await bed.send({ method: 'GET', path: '/box/big' })).body.equals(body));
  assert.equal(bed.cluster.stripeCount, 2);
});

test('an upload that is given up is gone with its parts', async () => {
  await using bed = await openWithBucket();
  const uploadId = await begin(bed);
  await sendPart(bed, uploadId, 1, randomBytes(300_000));
  const path = `/box/big?uploadId=${uploadId}`;
  assert.equal((await bed.send({ method: 'DELETE', path })).status, 204);
  assert.equal((await bed.send({ method: 'DELETE', path })).code, 'NoSuchUpload');
  assert.equal((await bed.send({ method: 'GET', path })).code, 'NoSuchUpload');
  assert.equal((await sendPart(bed, uploadId, 1, randomBytes(10))).code, 'NoSuchUpload');
  assert.equal(bed.cluster.stripeCount, 0);
});

test('open uploads are listed by key and age, with prefixes, delimiters and markers', async () => {
  await using bed = await openWithBucket();
  const ids: string[] = [];
  for (const key of ['a/1', 'a/1', 'a/2', 'b0', 'c/0']) ids.push(await begin(bed, key));
  const list = async (query: string) => {
    const { xml } = await bed.send({ method: 'GET', path: `/box?uploads&${query}` });
    return { keys: texts(xml, 'Key'), ids: texts(xml, 'UploadId'), prefixes: texts(xml, 'Prefix'), xml };
  };
  const all = await list('');
  assert.deepEqual(all.keys, ['a/1', 'a/1', 'a/2', 'b0', 'c/0']);
  assert.deepEqual(all.ids.toSorted(), ids.toSorted());
  assert.deepEqual((await list('delimiter=/')).prefixes, ['a/', 'c/']);
  assert.deepEqual(
    (await list('delimiter=0')).keys,
    ['a/1', 'a/1', 'a/2'],
    'the ids hold zeros, the keys do not',
  );
  assert.deepEqual((await list('delimiter=0')).prefixes, ['b0', 'c/0']);
  assert.deepEqual((await list('prefix=a/')).keys, ['a/1', 'a/1', 'a/2']);
  assert.deepEqual((await list('key-marker=a/1')).keys, ['a/2', 'b0', 'c/0']);
  const page = await list('max-uploads=1');
  assert.deepEqual(texts(page.xml, 'NextKeyMarker'), ['a/1']);
  const next = await list(`key-marker=a/1&upload-id-marker=${page.ids[0]}`);
  assert.deepEqual(next.keys, ['a/1', 'a/2', 'b0', 'c/0']);
  const folded = await list('delimiter=/&max-uploads=1');
  assert.deepEqual(texts(folded.xml, 'NextKeyMarker'), ['a/']);
  assert.deepEqual((await list('delimiter=/&key-marker=a/')).keys, ['b0']);
});

test('sums of parts make the sum of the object: composite, and of the whole', async () => {
  await using bed = await openWithBucket();
  const parts = [randomBytes(2000), randomBytes(3001)] as const;
  for (const type of ['COMPOSITE', 'FULL_OBJECT']) {
    const asked = { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': type };
    const uploadId = await begin(bed, 'big', asked);
    for (const [index, body] of parts.entries()) {
      const headers = { 'x-amz-checksum-crc32': sum32(body) };
      assert.equal((await sendPart(bed, uploadId, index + 1, body, { headers })).status, 200);
    }
    const named = parts.map((body, index) => [index + 1, etagOf(body)] as const);
    const composite = `${sum32(Buffer.concat(parts.map((body) => Buffer.from(sum32(body), 'base64'))))}-2`;
    const expected = type === 'COMPOSITE' ? composite : sum32(Buffer.concat(parts));
    const wrong = await complete(bed, uploadId, named, { 'x-amz-checksum-crc32': 'AAAAAA==' });
    assert.equal(wrong.code, 'BadDigest');
    const completed = await complete(bed, uploadId, named, { 'x-amz-checksum-crc32': expected });
    assert.deepEqual(texts(completed.xml, 'ChecksumCRC32'), [expected]);
    const head = await bed.send({
      method: 'HEAD',
      path: '/box/big',
      headers: { 'x-amz-checksum-mode': 'ENABLED' },
    });
    assert.equal(head.headers['x-amz-checksum-crc32'], expected);
    assert.equal(head.headers['x-amz-checksum-type'], type);
  }
});

test('a part may be copied from a range of another object', async () => {
  await using bed = await openWithBucket();
  const source = randomBytes(300_000);
  await bed.send({ method: 'PUT', path: '/box/source', body: source });
  const uploadId = await begin(bed);
  const copy = (number: number, headers: Record<string, string>) =>
    bed.send({
      method: 'PUT',
      path: `/box/big?partNumber=${number}&uploadId=${uploadId}`,
      headers: { 'x-amz-copy-source': '/box/source', ...headers },
    });
  const first = await copy(1, { 'x-amz-copy-source-range': 'bytes=100-199999' });
  assert.deepEqual(texts(first.xml, 'ETag'), [etagOf(source.subarray(100, 200_000))]);
  const second = await copy(2, {});
  assert.equal((await copy(3, { 'x-amz-copy-source-range': 'bytes=0-300000' })).code, 'InvalidRange');
  for (const range of ['bytes=5-', 'bytes=-5', 'bytes=7-3', 'x']) {
    assert.equal((await copy(3, { 'x-amz-copy-source-range': range })).code, 'InvalidArgument', range);
  }
  const named = [first, second].map(({ xml }, index) => [index + 1, texts(xml, 'ETag')[0] ?? ''] as const);
  assert.equal((await complete(bed, uploadId, named)).status, 200);
  const got = await bed.send({ method: 'GET', path: '/box/big' });
  assert.ok(got.body.equals(Buffer.concat([source.subarray(100, 200_000), source])));
});

test('an object of very many stripes has its layout beside it, and is deleted with it', async () => {
  await using bed = await openTestBed({ partBytesMin: 1000, stripeBytes: 20 });
  await bed.send({ method: 'PUT', path: '/box' });
  const uploadId = await begin(bed);
  const body = randomBytes(260_000);
  await sendPart(bed, uploadId, 1, body);
  assert.equal((await complete(bed, uploadId, [[1, etagOf(body)]])).status, 200);
  assert.ok(bed.cluster.stripeCount > 13_000);
  assert.ok((await bed.send({ method: 'GET', path: '/box/big' })).body.equals(body));
  const part = await bed.send({ method: 'GET', path: '/box/big?partNumber=1' });
  assert.equal(part.headers['x-amz-mp-parts-count'], '1');
  await bed.send({ method: 'DELETE', path: '/box/big' });
  assert.equal(bed.cluster.stripeCount, 0);
});
