/** Today's AWS SDK for JavaScript with what it does by default: flexible checksums, streamed bodies, validation. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import {
  ChecksumAlgorithm,
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  NoSuchKey,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { RunningCluster } from './running-cluster.ts';

const ABORTED_MS_MAX = 60_000;

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('the AWS SDK for JavaScript', () => {
  let cluster: RunningCluster;
  let s3: S3Client;

  before(async () => {
    cluster = await RunningCluster.start(14_180);
    s3 = new S3Client({
      endpoint: cluster.endpoint,
      forcePathStyle: true,
      region: 'us-east-1',
      credentials: {
        accessKeyId: cluster.env['AWS_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: cluster.env['AWS_SECRET_ACCESS_KEY'] ?? '',
      },
    });
    await s3.send(new CreateBucketCommand({ Bucket: 'films' }));
  });
  after(async () => {
    s3.destroy();
    await cluster[Symbol.asyncDispose]();
  });

  async function get(key: string, range?: string): Promise<Uint8Array> {
    const answer = await s3.send(
      new GetObjectCommand({ Bucket: 'films', Key: key, ...(range === undefined ? {} : { Range: range }) }),
    );
    return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
  }

  test('puts bytes with the checksum that it adds by itself, and validates what it gets', async () => {
    const bytes = randomBytes(200_000);
    const put = await s3.send(new PutObjectCommand({ Bucket: 'films', Key: 'clip', Body: bytes }));
    assert.ok(put.ChecksumCRC32, 'the checksum that the SDK sent is confirmed');
    const answer = await s3.send(
      new GetObjectCommand({ Bucket: 'films', Key: 'clip', ChecksumMode: 'ENABLED' }),
    );
    assert.equal(answer.ChecksumCRC32, put.ChecksumCRC32);
    assert.equal(sha256((await answer.Body?.transformToByteArray()) ?? Buffer.alloc(0)), sha256(bytes));
  });

  test('streams a file of known length in signed chunks with a trailing checksum', async () => {
    const file = join(cluster.folder, 'file');
    const bytes = randomBytes(3_000_000);
    await writeFile(file, bytes);
    const named: ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'SHA1', 'SHA256'];
    for (const algorithm of named) {
      const put = new PutObjectCommand({
        Bucket: 'films',
        Key: `streamed-${algorithm}`,
        Body: createReadStream(file),
        ContentLength: bytes.length,
        ChecksumAlgorithm: algorithm,
      });
      const answer = await s3.send(put);
      assert.ok(answer[`Checksum${algorithm}` as 'ChecksumCRC32'], algorithm);
      assert.equal(sha256(await get(`streamed-${algorithm}`)), sha256(bytes));
    }
    const head = new HeadObjectCommand({
      Bucket: 'films',
      Key: 'streamed-SHA256',
      ChecksumMode: 'ENABLED',
    });
    const expected = createHash('sha256').update(bytes).digest('base64');
    assert.equal((await s3.send(head)).ChecksumSHA256, expected);
  });

  test('uploads a stream of unknown length in parts, and reads a range over their border', async () => {
    const bytes = randomBytes((12 << 20) + 345);
    const pieces = function* () {
      for (let at = 0; at < bytes.length; at += 70_000) yield bytes.subarray(at, at + 70_000);
    };
    const upload = new Upload({
      client: s3,
      params: {
        Bucket: 'films',
        Key: 'reels/film.mov',
        Body: Readable.from(pieces()),
        Metadata: { reel: '7' },
      },
      partSize: 5 << 20,
      queueSize: 3,
    });
    const done = await upload.done();
    assert.match(done.ETag ?? '', /-3"$/);
    assert.equal(sha256(await get('reels/film.mov')), sha256(bytes));
    const border = 5 << 20;
    const across = await get('reels/film.mov', `bytes=${border - 100}-${border + 99}`);
    assert.equal(sha256(across), sha256(bytes.subarray(border - 100, border + 100)));
    const head = await s3.send(new HeadObjectCommand({ Bucket: 'films', Key: 'reels/film.mov' }));
    assert.deepEqual(head.Metadata, { reel: '7' });
  });

  test('an upload that is aborted leaves nothing to list', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1 << 20, 'x');
      })(),
    );
    const upload = new Upload({ client: s3, params: { Bucket: 'films', Key: 'endless', Body: endless } });
    let seen = 0;
    upload.on('httpUploadProgress', () => {
      seen += 1;
      if (seen === 2) void upload.abort();
    });
    await assert.rejects(upload.done(), { name: 'AbortError' });
    const listed = async () =>
      await cluster.aws(
        ...['--endpoint-url', cluster.endpoint, 's3api', 'list-multipart-uploads', '--bucket', 'films'],
      );
    // It rejects at once; that the upload is given up is sent when its parts have come to an end, which nobody waits for.
    const deadline = Date.now() + ABORTED_MS_MAX;
    let uploads = await listed();
    while (/endless/.test(uploads.stdout) && Date.now() < deadline) uploads = await listed();
    assert.doesNotMatch(uploads.stdout, /endless/);
    await assert.rejects(get('endless'), (error) => error instanceof NoSuchKey);
  });

  test('presigned URLs put and get without credentials, and only what was signed', async () => {
    const put = new PutObjectCommand({ Bucket: 'films', Key: 'shared &ü', ContentType: 'text/plain' });
    const putUrl = await getSignedUrl(s3, put, { expiresIn: 60 });
    const stored = await fetch(putUrl, {
      method: 'PUT',
      body: 'hello',
      headers: { 'content-type': 'text/plain' },
    });
    assert.equal(stored.status, 200, await stored.text());
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket: 'films', Key: 'shared &ü' }));
    assert.equal(await (await fetch(url)).text(), 'hello');
    const other = await fetch(url.replace('shared%20', 'unshared%20'));
    assert.equal(other.status, 403);
    assert.match(await other.text(), /SignatureDoesNotMatch/);
    assert.equal((await fetch(url, { method: 'DELETE' })).status, 403);
  });

  test('conditions and copies: the first writer wins, and a copy is the original', async () => {
    const first = new PutObjectCommand({ Bucket: 'films', Key: 'prize', Body: 'a', IfNoneMatch: '*' });
    const { ETag } = await s3.send(first);
    await assert.rejects(
      s3.send(new PutObjectCommand({ Bucket: 'films', Key: 'prize', Body: 'b', IfNoneMatch: '*' })),
      (error) => error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412,
    );
    await s3.send(new PutObjectCommand({ Bucket: 'films', Key: 'prize', Body: 'c', IfMatch: ETag }));
    await s3.send(new CopyObjectCommand({ Bucket: 'films', Key: 'copy', CopySource: 'films/prize' }));
    assert.equal(Buffer.from(await get('copy')).toString(), 'c');
  });

  test('lists everything in pages, removes it in one request, and the bucket with it', async () => {
    const keys: string[] = [];
    for await (const page of paginateListObjectsV2({ client: s3, pageSize: 3 }, { Bucket: 'films' })) {
      for (const { Key } of page.Contents ?? []) keys.push(Key ?? '');
    }
    assert.deepEqual(keys, keys.toSorted());
    assert.ok(keys.includes('shared &ü') && keys.includes('reels/film.mov'));
    const objects = keys.map((Key) => ({ Key }));
    const removed = await s3.send(
      new DeleteObjectsCommand({ Bucket: 'films', Delete: { Objects: objects } }),
    );
    assert.equal(removed.Deleted?.length, keys.length);
    assert.equal(removed.Errors, undefined);
    await s3.send(new DeleteBucketCommand({ Bucket: 'films' }));
    assert.deepEqual((await s3.send(new ListBucketsCommand({}))).Buckets ?? [], []);
  });
});
