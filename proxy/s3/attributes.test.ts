/** GetObjectAttributes, and the checksums of what came without one. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { digestsOf } from '#proxy/body/digester.ts';
import type { ChecksumAlgorithm } from '#proxy/body/request-body.ts';
import { openTestBed, texts } from './s3-test-bed.ts';

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');
const sum = (algorithm: ChecksumAlgorithm, bytes: Buffer) =>
  Buffer.from(digestsOf([algorithm], bytes)[algorithm] ?? '', 'hex').toString('base64');
const all = { 'x-amz-object-attributes': 'ETag,Checksum,ObjectParts,StorageClass,ObjectSize' };

test('an object that came without a checksum has CRC64NVME, small or large', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  for (const bytes of [Buffer.alloc(0), randomBytes(1000), randomBytes(300_000)]) {
    const value = sum('crc64nvme', bytes);
    const put = await bed.send({ method: 'PUT', path: '/box/k', body: bytes });
    assert.equal(put.headers['x-amz-checksum-crc64nvme'], value);
    assert.equal(put.headers['x-amz-checksum-type'], 'FULL_OBJECT');
    const headers = { 'x-amz-checksum-mode': 'ENABLED' };
    const head = await bed.send({ method: 'HEAD', path: '/box/k', headers });
    assert.equal(head.headers['x-amz-checksum-crc64nvme'], value);
    assert.equal(
      (await bed.send({ method: 'HEAD', path: '/box/k' })).headers['x-amz-checksum-crc64nvme'],
      undefined,
    );
    const { xml } = await bed.send({ method: 'GET', path: '/box/k?attributes', headers: all });
    assert.deepEqual(texts(xml, 'ETag'), [md5(bytes)]);
    assert.deepEqual(texts(xml, 'ChecksumCRC64NVME'), [value]);
    assert.deepEqual(texts(xml, 'ObjectSize'), [String(bytes.length)]);
    assert.deepEqual(texts(xml, 'PartsCount'), []);
  }
  const one = await bed.send({
    method: 'GET',
    path: '/box/k?attributes',
    headers: { 'x-amz-object-attributes': 'ObjectSize' },
  });
  assert.deepEqual([texts(one.xml, 'ObjectSize').length, texts(one.xml, 'ETag').length], [1, 0]);
  const path = '/box/k?attributes';
  const named = (names: string) =>
    bed.send({ method: 'GET', path, headers: { 'x-amz-object-attributes': names } });
  assert.equal((await named('Colour')).code, 'InvalidArgument');
  assert.equal((await bed.send({ method: 'GET', path })).code, 'InvalidArgument');
});

test('the parts of a multipart object are told of with their checksums, a page at a time', async () => {
  await using bed = await openTestBed({ partBytesMin: 1000 });
  await bed.send({ method: 'PUT', path: '/box' });
  const parts = [2000, 100_000, 5].map((size) => randomBytes(size));
  for (const algorithm of [undefined, 'SHA256', 'CRC32C'] as const) {
    const begun = await bed.send({
      method: 'POST',
      path: '/box/k?uploads',
      headers: algorithm === undefined ? {} : { 'x-amz-checksum-algorithm': algorithm },
    });
    const uploadId = texts(begun.xml, 'UploadId')[0] ?? '';
    for (const [index, body] of parts.entries())
      await bed.send({ method: 'PUT', path: `/box/k?partNumber=${index + 1}&uploadId=${uploadId}`, body });
    const named = parts.map(
      (bytes, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${md5(bytes)}</ETag></Part>`,
    );
    const body = `<CompleteMultipartUpload>${named.join('')}</CompleteMultipartUpload>`;
    const completed = await bed.send({ method: 'POST', path: `/box/k?uploadId=${uploadId}`, body });
    assert.equal(completed.status, 200);
    const kind = (algorithm ?? 'CRC64NVME').toLowerCase() as ChecksumAlgorithm;
    const sums = parts.map((bytes) => sum(kind, bytes));
    const bytes = Buffer.concat(sums.map((value) => Buffer.from(value, 'base64')));
    const whole = algorithm === undefined ? sum(kind, Buffer.concat(parts)) : `${sum(kind, bytes)}-3`;
    const element = `Checksum${kind.toUpperCase()}`;
    assert.deepEqual(texts(completed.xml, element), [whole]);
    const { xml } = await bed.send({ method: 'GET', path: '/box/k?attributes', headers: all });
    assert.deepEqual(texts(xml, element), [whole, ...sums]);
    assert.deepEqual(texts(xml, 'Size'), ['2000', '100000', '5']);
    const page = await bed.send({
      method: 'GET',
      path: '/box/k?attributes',
      headers: { ...all, 'x-amz-max-parts': '1', 'x-amz-part-number-marker': '1' },
    });
    assert.deepEqual(texts(page.xml, 'PartNumber'), ['2']);
    assert.deepEqual(texts(page.xml, 'IsTruncated'), ['true']);
    const headers = { 'x-amz-checksum-mode': 'ENABLED' };
    const third = await bed.send({ method: 'GET', path: '/box/k?partNumber=3', headers });
    assert.equal(third.headers[`x-amz-checksum-${kind}`], sums[2]);
  }
});
