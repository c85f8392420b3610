/** awscli, as Debian ships it: the daily work of somebody with files. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RunningCluster } from './running-cluster.ts';

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('awscli', () => {
  let cluster: RunningCluster;
  // Debian's awscli is older than AWS_ENDPOINT_URL.
  const aws = (...args: string[]) => cluster.aws('--endpoint-url', cluster.endpoint, ...args);

  before(async () => {
    cluster = await RunningCluster.start(1100);
  });
  after(() => cluster[Symbol.asyncDispose]());

  test('makes a bucket, stores a large file in parts and gets it back byte for byte', async () => {
    const large = randomBytes(40 << 20);
    await writeFile(join(cluster.folder, 'large.bin'), large);
    await aws('s3', 'mb', 's3://films');
    await aws('s3', 'cp', '--quiet', 'large.bin', 's3://films/raw/large.bin');
    await aws('s3', 'cp', '--quiet', 's3://films/raw/large.bin', 'back.bin');
    assert.equal(sha256(await readFile(join(cluster.folder, 'back.bin'))), sha256(large));
    const listed = await aws('s3', 'ls', 's3://films/raw/');
    assert.match(listed.stdout, /41943040 large\.bin/);
  });

  test('syncs a folder with awkward names there and back', async () => {
    const folder = join(cluster.folder, 'tree');
    const names = ['plain.txt', 'with space.txt', 'ümlaut +&%.txt', "quote'.txt", 'a/b/c.txt', '日本語.txt'];
    for (const name of names) {
      await mkdir(join(folder, name, '..'), { recursive: true });
      await writeFile(join(folder, name), `content of ${name}`);
    }
    await aws('s3', 'mb', 's3://tree');
    await aws('s3', 'sync', '--quiet', 'tree', 's3://tree');
    await aws('s3', 'sync', '--quiet', 's3://tree', 'tree-back');
    for (const name of names) {
      assert.equal(await readFile(join(cluster.folder, 'tree-back', name), 'utf8'), `content of ${name}`);
    }
    const keys = JSON.parse((await aws('s3api', 'list-objects-v2', '--bucket', 'tree')).stdout) as {
      Contents: { Key: string }[];
    };
    assert.deepEqual(keys.Contents.map(({ Key }) => Key).toSorted(), names.toSorted());
  });

  test('reads a range, copies, and removes everything with the bucket', async () => {
    await writeFile(join(cluster.folder, 'digits'), '0123456789');
    await aws('s3', 'mb', 's3://small');
    await aws('s3', 'cp', '--quiet', 'digits', 's3://small/digits');
    const range = ['--bucket', 'small', '--key', 'digits', '--range', 'bytes=3-5', 'range.out'];
    await aws('s3api', 'get-object', ...range);
    assert.equal(await readFile(join(cluster.folder, 'range.out'), 'utf8'), '345');
    await aws('s3', 'cp', '--quiet', 's3://small/digits', 's3://small/copy');
    const head = JSON.parse(
      (await aws('s3api', 'head-object', '--bucket', 'small', '--key', 'copy')).stdout,
    ) as {
      ETag: string;
      ContentLength: number;
    };
    assert.equal(head.ETag, '"781e5e245d69b566979b86e28d23f2c7"');
    assert.equal(head.ContentLength, 10);
    const refused = await cluster.attempt('aws', [
      '--endpoint-url',
      cluster.endpoint,
      's3',
      'rb',
      's3://small',
    ]);
    assert.match(refused.stderr, /BucketNotEmpty/);
    await aws('s3', 'rb', '--force', 's3://small');
    assert.doesNotMatch((await aws('s3', 'ls')).stdout, /small/);
  });

  test('is refused with a wrong secret, in S3 words', async () => {
    const wrong = { ...cluster.env, AWS_SECRET_ACCESS_KEY: 'x'.repeat(40) };
    const right = cluster.env;
    cluster.env = wrong;
    const refused = await cluster.attempt('aws', ['--endpoint-url', cluster.endpoint, 's3', 'ls']);
    cluster.env = right;
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /SignatureDoesNotMatch/);
  });

  test('finds everything after the cluster was stopped and started again', async () => {
    await aws('s3', 'mb', 's3://kept');
    await writeFile(join(cluster.folder, 'kept'), 'kept');
    await aws('s3', 'cp', '--quiet', 'kept', 's3://kept/kept');
    assert.equal(await cluster.stop(), 0);
    await cluster.up();
    assert.equal((await aws('s3', 'cp', 's3://kept/kept', '-')).stdout, 'kept');
  });
});
