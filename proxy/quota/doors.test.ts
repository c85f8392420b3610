/** Quotas as clients of both doors meet them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MemoryCluster } from '#cluster/memory-cluster.ts';
import type { SpaceId } from '#common/ids.ts';
import { encodeQuotas, quotaKey, type StoredQuotas } from '#control/protocol/quota-record.ts';
import { bucketKey, decodeBucket, encodeBucket } from '#proxy/buckets/bucket-record.ts';
import * as s3 from '#proxy/s3/s3-test-bed.ts';
import * as swift from '#proxy/swift/swift-test-bed.ts';

async function limit(cluster: MemoryCluster, account: SpaceId, limits: StoredQuotas): Promise<void> {
  await cluster.records.mutate(quotaKey(account), (current) => ({
    action: 'write',
    ...encodeQuotas(limits, current?.content),
    result: undefined,
  }));
}

describe('quotas at the doors', () => {
  test('S3 answers QuotaExceeded, and forty writes at once stay within', async () => {
    await using bed = await s3.openTestBed();
    await limit(bed.cluster, s3.ada.principal.account, { bytes: 25_000, containers: 1 });
    await bed.send({ method: 'PUT', path: '/films' });
    const second = await bed.send({ method: 'PUT', path: '/music' });
    assert.deepEqual([second.status, second.code], [400, 'TooManyBuckets']);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) =>
        bed.send({ method: 'PUT', path: `/films/o${at}`, body: Buffer.alloc(1000) }),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 25);
    const refused = answers.filter(({ status }) => status === 403);
    assert.equal(refused.length, 15);
    assert.equal(refused[0]?.code, 'QuotaExceeded');
    // A long body is refused before it is sent, and a copy as any other write.
    const long = await bed.send({ method: 'PUT', path: '/films/long', body: Buffer.alloc(300_000) });
    assert.deepEqual([long.status, long.code], [403, 'QuotaExceeded']);
    const there = answers.findIndex(({ status }) => status === 200);
    const headers = { 'x-amz-copy-source': `/films/o${there}` };
    const copy = await bed.send({ method: 'PUT', path: '/films/copy', headers });
    assert.deepEqual([copy.status, copy.code], [403, 'QuotaExceeded']);
    assert.equal((await bed.send({ method: 'DELETE', path: `/films/o${there}` })).status, 204);
    assert.equal(
      (await bed.send({ method: 'PUT', path: '/films/new', body: Buffer.alloc(1000) })).status,
      200,
    );
    assert.deepEqual(bed.complaints, []);
  });

  test('an upload in parts that does not fit is refused when it is completed, and stays open', async () => {
    await using bed = await s3.openTestBed({ partBytesMin: 1 });
    const account = s3.ada.principal.account;
    await limit(bed.cluster, account, { bytes: 1500 });
    await bed.send({ method: 'PUT', path: '/films' });
    const begun = await bed.send({ method: 'POST', path: '/films/parts?uploads' });
    const uploadId = s3.texts(begun.xml, 'UploadId')[0] ?? '';
    const parts: string[] = [];
    for (const number of [1, 2]) {
      const path = `/films/parts?partNumber=${number}&uploadId=${uploadId}`;
      const part = await bed.send({ method: 'PUT', path, body: Buffer.alloc(1000) });
      parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${part.headers.etag}</ETag></Part>`);
    }
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
    const complete = () => bed.send({ method: 'POST', path: `/films/parts?uploadId=${uploadId}`, body });
    assert.equal((await complete()).code, 'QuotaExceeded');
    await limit(bed.cluster, account, { bytes: 2000 });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.equal((await complete()).status, 200);
    assert.equal((await bed.send({ method: 'GET', path: '/films/parts' })).body.length, 2000);
  });

  test('what Swift says of a container holds for S3', async () => {
    await using bed = await s3.openTestBed();
    const account = s3.ada.principal.account;
    await bed.send({ method: 'PUT', path: '/films' });
    await bed.cluster.records.mutate(bucketKey(account, 'films'), (current) => {
      assert.ok(current);
      const container = { metadata: { 'quota-count': '1' }, settings: {}, modifiedMs: 1 };
      return {
        action: 'write',
        ...encodeBucket({ ...decodeBucket(current.content), container }),
        result: undefined,
      };
    });
    assert.equal((await bed.send({ method: 'PUT', path: '/films/one', body: 'x' })).status, 200);
    assert.equal((await bed.send({ method: 'PUT', path: '/films/two', body: 'x' })).code, 'QuotaExceeded');
  });

  test('Swift answers 413, also for a body whose length nobody told, and 403 for a container', async () => {
    await using bed = await swift.openTestBed();
    await limit(bed.cluster, swift.ada.principal.account, { bytes: 1000, containers: 1 });
    assert.equal(await bed.status({ method: 'PUT', path: 'films' }), 201);
    assert.equal(await bed.status({ method: 'PUT', path: 'films' }), 202);
    assert.equal(await bed.status({ method: 'PUT', path: 'music' }), 403);
    assert.equal(await bed.status({ method: 'PUT', path: 'films/one', body: Buffer.alloc(600) }), 201);
    assert.equal(await bed.status({ method: 'PUT', path: 'films/two', body: Buffer.alloc(600) }), 413);
    const untold = {
      method: 'PUT',
      path: 'films/three',
      headers: { 'Transfer-Encoding': 'chunked' },
      body: Buffer.alloc(200_000),
    };
    assert.equal(await bed.status(untold), 413);
    assert.equal(await bed.status({ method: 'PUT', path: 'films/four', body: Buffer.alloc(400) }), 201);
    assert.equal((await bed.send({ path: '' })).headers['x-account-bytes-used'], '1000');
    assert.deepEqual(bed.complaints, []);
  });
});
