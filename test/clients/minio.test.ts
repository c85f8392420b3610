/** minio's client for JavaScript: signed chunks without checksums, its own uploads in parts, browser forms aside. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { type BucketItem, Client, CopyConditions } from 'minio';
import { RunningCluster } from './running-cluster.ts';

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('minio', () => {
  let cluster: RunningCluster;
  let client: Client;

  before(async () => {
    cluster = await RunningCluster.start(14_200);
    client = new Client({
      endPoint: '127.0.0.1',
      port: 8080 + cluster.portOffset,
      useSSL: false,
      accessKey: cluster.env['AWS_ACCESS_KEY_ID'] ?? '',
      secretKey: cluster.env['AWS_SECRET_ACCESS_KEY'] ?? '',
      partSize: 5 << 20,
    });
    await client.makeBucket('films', 'us-east-1');
  });
  after(() => cluster[Symbol.asyncDispose]());

  const get = async (key: string) => buffer(await client.getObject('films', key));

  async function listed(prefix: string, recursive: boolean): Promise<string[]> {
    const stream: Readable = client.listObjectsV2('films', prefix, recursive);
    const names: string[] = [];
    for await (const item of stream as AsyncIterable<BucketItem>) names.push(item.name ?? item.prefix ?? '');
    return names;
  }

  test('knows its bucket, and which it has not', async () => {
    assert.equal(await client.bucketExists('films'), true);
    assert.equal(await client.bucketExists('nobodys'), false);
    assert.deepEqual(
      (await client.listBuckets()).map(({ name }) => name),
      ['films'],
    );
  });

  test('stores a file in parts, resumes nothing it has no need to, and gets it back', async () => {
    const film = randomBytes((11 << 20) + 77);
    const file = join(cluster.folder, 'film.mov');
    await writeFile(file, film);
    const stored = await client.fPutObject('films', 'reels/film.mov', file, { 'X-Amz-Meta-Reel': '7' });
    assert.match(stored.etag, /-3$/);
    const told = await client.statObject('films', 'reels/film.mov');
    assert.equal(told.size, film.length);
    assert.equal(told.metaData['reel'], '7');
    const back = join(cluster.folder, 'back.mov');
    await client.fGetObject('films', 'reels/film.mov', back);
    assert.equal(sha256(await readFile(back)), sha256(film));
    const border = 5 << 20;
    const across = await buffer(await client.getPartialObject('films', 'reels/film.mov', border - 5, 10));
    assert.equal(sha256(across), sha256(film.subarray(border - 5, border + 5)));
  });

  test('stores small bodies under awkward names, lists them as folders, copies one', async () => {
    const names = ['clips/a b', 'clips/ü+&%', 'clips/日本語', 'clips/deep/er', "clips/quote'"];
    for (const name of names) await client.putObject('films', name, `content of ${name}`);
    for (const name of names) assert.equal((await get(name)).toString(), `content of ${name}`);
    assert.deepEqual(await listed('clips/', true), names.toSorted());
    assert.ok((await listed('clips/', false)).includes('clips/deep/'));
    await client.copyObject('films', 'copy', '/films/clips/deep/er', new CopyConditions());
    assert.equal((await get('copy')).toString(), 'content of clips/deep/er');
  });

  test('composes an object of two others', async () => {
    const { CopyDestinationOptions, CopySourceOptions } = await import('minio');
    const head = randomBytes(5 << 20);
    await client.putObject('films', 'head', head);
    const sources = ['head', 'copy'].map((Object) => new CopySourceOptions({ Bucket: 'films', Object }));
    await client.composeObject(new CopyDestinationOptions({ Bucket: 'films', Object: 'both' }), sources);
    const tail = Buffer.from('content of clips/deep/er');
    assert.equal(sha256(await get('both')), sha256(Buffer.concat([head, tail])));
  });

  test('presigned URLs put and get, and are nothing without their signature', async () => {
    const putUrl = await client.presignedPutObject('films', 'shared', 60);
    assert.equal((await fetch(putUrl, { method: 'PUT', body: 'hello' })).status, 200);
    const url = await client.presignedGetObject('films', 'shared', 60);
    assert.equal(await (await fetch(url)).text(), 'hello');
    const bare = await fetch(url.replace(/\?.*$/, ''));
    assert.equal(bare.status, 403);
    assert.match(await bare.text(), /<Code>AccessDenied<\/Code>/);
  });

  test('an upload that was given up is found and removed', async () => {
    await client.initiateNewMultipartUpload('films', 'given up', {});
    const uploads = [];
    for await (const upload of client.listIncompleteUploads('films', '', true)) uploads.push(upload.key);
    assert.deepEqual(uploads, ['given up']);
    await client.removeIncompleteUpload('films', 'given up');
    for await (const upload of client.listIncompleteUploads('films', '', true)) assert.fail(upload.key);
  });

  test('removes everything in one request, and the bucket', async () => {
    await client.removeObjects('films', await listed('', true));
    assert.deepEqual(await listed('', true), []);
    await client.removeBucket('films');
    assert.equal(await client.bucketExists('films'), false);
  });
});
