import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { ManualClock } from '#common/io/manual-clock.ts';
import { ada, openTestBed, type TestBed } from './swift-test-bed.ts';

const aws4 = createRequire(import.meta.url)('aws4') as {
  sign(request: object, keys: object): { readonly path: string; readonly headers: Record<string, string> };
};
const md5 = (bytes: string | Buffer) => createHash('md5').update(bytes).digest('hex');

interface Signed {
  readonly method?: string;
  readonly path: string;
  readonly body?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The same user at the other door. */
function s3(bed: TestBed, { method = 'GET', path, body, headers = {} }: Signed) {
  const sha256 = createHash('sha256')
    .update(body ?? '')
    .digest('hex');
  const signed = aws4.sign(
    {
      service: 's3',
      region: 'us-east-1',
      method,
      path,
      headers: { Host: `127.0.0.1:${bed.port}`, 'X-Amz-Content-Sha256': sha256, ...headers },
    },
    { accessKeyId: ada.principal.accessKey, secretAccessKey: ada.secretKey },
  );
  return bed.send({
    method,
    path: signed.path,
    headers: signed.headers,
    as: null,
    ...(body === undefined ? {} : { body }),
  });
}

test('an object put through either door is the same at the other', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: 'both' });
  const body = randomBytes(120_000);
  const headers = { 'Content-Type': 'a/b', 'Cache-Control': 'no-cache' };
  await bed.send({
    method: 'PUT',
    path: 'both/by-swift',
    body,
    headers: { ...headers, 'X-Object-Meta-Colour': 'blue' },
  });
  await s3(bed, {
    method: 'PUT',
    path: '/both/by-s3',
    body,
    headers: { ...headers, 'X-Amz-Meta-Colour': 'blue' },
  });
  for (const name of ['by-swift', 'by-s3']) {
    const atSwift = await bed.send({ path: `both/${name}` });
    const atS3 = await s3(bed, { path: `/both/${name}` });
    assert.deepEqual([atSwift.status, atS3.status], [200, 200]);
    assert.equal(Buffer.compare(atSwift.body, atS3.body), 0);
    assert.equal(`"${atSwift.headers.etag}"`, atS3.headers.etag);
    assert.equal(atSwift.headers.etag, md5(body));
    for (const header of ['content-type', 'content-length', 'cache-control', 'last-modified'])
      assert.equal(atSwift.headers[header], atS3.headers[header], header);
    assert.equal(atSwift.headers['x-object-meta-colour'], 'blue');
    assert.equal(atS3.headers['x-amz-meta-colour'], 'blue');
  }
});

test('a multipart object made through S3 reads whole through Swift, and in ranges', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: 'both' });
  const begun = await s3(bed, { method: 'POST', path: '/both/parts?uploads=' });
  const uploadId = /<UploadId>(\w+)</.exec(begun.text)?.[1] ?? '';
  const parts = [randomBytes(5 * 1024 * 1024), randomBytes(70_000)];
  let document = '<CompleteMultipartUpload>';
  for (const [index, body] of parts.entries()) {
    const path = `/both/parts?partNumber=${index + 1}&uploadId=${uploadId}`;
    assert.equal((await s3(bed, { method: 'PUT', path, body })).status, 200);
    document += `<Part><PartNumber>${index + 1}</PartNumber><ETag>"${md5(body)}"</ETag></Part>`;
  }
  const path = `/both/parts?uploadId=${uploadId}`;
  await s3(bed, { method: 'POST', path, body: `${document}</CompleteMultipartUpload>` });
  const whole = Buffer.concat(parts);
  const got = await bed.send({ path: 'both/parts' });
  assert.equal(Buffer.compare(got.body, whole), 0);
  assert.match(String(got.headers.etag), /^[0-9a-f]{32}-2$/);
  const across = await bed.send({ path: 'both/parts', headers: { Range: 'bytes=5242870-5242889' } });
  assert.equal(Buffer.compare(across.body, whole.subarray(5_242_870, 5_242_890)), 0);
  const copied = await bed.send({
    method: 'COPY',
    path: 'both/parts',
    headers: { Destination: 'both/copy' },
  });
  assert.equal(copied.headers.etag, md5(whole));
});

test("Swift's large objects and expiring objects mean the same to S3", async () => {
  const clock = new ManualClock(Date.now());
  await using bed = await openTestBed(undefined, clock);
  for (const path of ['both', 'segments']) await bed.send({ method: 'PUT', path });
  const segments = [randomBytes(80_000), randomBytes(90_000)];
  for (const [index, body] of segments.entries())
    await bed.send({ method: 'PUT', path: `segments/it${index}`, body });
  const manifest = JSON.stringify([{ path: 'segments/it0' }, { path: 'segments/it1' }]);
  await bed.send({ method: 'PUT', path: 'both/static?multipart-manifest=put', body: manifest });
  await bed.send({
    method: 'PUT',
    path: 'both/dynamic',
    body: '',
    headers: { 'X-Object-Manifest': 'segments/it' },
  });
  const whole = Buffer.concat(segments);
  for (const name of ['static', 'dynamic']) {
    const got = await s3(bed, { path: `/both/${name}` });
    assert.equal(Buffer.compare(got.body, whole), 0, name);
    assert.equal(got.headers.etag, (await bed.send({ path: `both/${name}` })).headers.etag);
    const part = await s3(bed, { path: `/both/${name}`, headers: { Range: 'bytes=79999-80000' } });
    assert.equal(Buffer.compare(part.body, whole.subarray(79_999, 80_001)), 0);
    const copy = { method: 'PUT', path: '/both/copy', headers: { 'x-amz-copy-source': `/both/${name}` } };
    assert.equal((await s3(bed, copy)).status, 400);
  }
  const listing = (await s3(bed, { path: '/both?list-type=2&prefix=static' })).text;
  assert.match(listing, /<Size>170000<\/Size>/);
  assert.ok(
    listing.includes(
      (await s3(bed, { method: 'HEAD', path: '/both/static' })).headers.etag?.replaceAll('"', '') ?? '',
    ),
  );
  await bed.send({ method: 'PUT', path: 'segments/it1', body: 'other' });
  assert.equal((await s3(bed, { path: '/both/static', headers: { Range: 'bytes=80000-' } })).status, 409);
  const over = { 'X-Delete-At': String(Math.floor(clock.nowMs() / 1000)) };
  assert.equal(await bed.status({ method: 'PUT', path: 'both/gone', body: 'it', headers: over }), 201);
  assert.equal((await s3(bed, { path: '/both/gone' })).status, 404);
  assert.deepEqual(bed.complaints, []);
});

test('where S3 keeps versions, Swift changes and copies the current one', async () => {
  await using bed = await openTestBed();
  for (const path of ['both', 'segments']) await bed.send({ method: 'PUT', path });
  const versioning = (status: string) =>
    s3(bed, {
      method: 'PUT',
      path: '/both?versioning',
      body: `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`,
    });
  assert.equal((await versioning('Enabled')).status, 200);
  for (const status of ['Enabled', 'Suspended']) {
    await versioning(status);
    await bed.send({ method: 'PUT', path: `both/${status}`, body: 'first' });
    await versioning('Enabled');
    await bed.send({ method: 'PUT', path: `both/${status}`, body: 'second' });
    await versioning(status);
    const at = String(Math.floor(bed.context.clock.nowMs() / 1000) + 1000);
    const headers = { 'X-Object-Meta-Colour': 'red', 'X-Delete-At': at };
    assert.equal(await bed.status({ method: 'POST', path: `both/${status}`, headers }), 202, status);
    const posted = await bed.send({ path: `both/${status}` });
    assert.deepEqual(
      [posted.text, posted.headers['x-object-meta-colour'], posted.headers['x-delete-at']],
      ['second', 'red', at],
    );
    const copy = { Destination: `both/${status}`, 'X-Object-Meta-Shape': 'round' };
    assert.equal(await bed.status({ method: 'COPY', path: `both/${status}`, headers: copy }), 201, status);
    const copied = await bed.send({ path: `both/${status}` });
    assert.deepEqual([copied.text, copied.headers['x-object-meta-shape']], ['second', 'round']);
  }
  assert.equal(await bed.status({ method: 'POST', path: 'both/none' }), 404);
});

test('a large object among versions is counted by its manifest, whatever happens to the others', async () => {
  await using bed = await openTestBed();
  for (const path of ['both', 'segments']) await bed.send({ method: 'PUT', path });
  const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
  await s3(bed, { method: 'PUT', path: '/both?versioning', body });
  const first = await s3(bed, { method: 'PUT', path: '/both/static', body: 'first' });
  await bed.send({ method: 'PUT', path: 'segments/it', body: randomBytes(100_000) });
  const manifest = JSON.stringify([{ path: 'segments/it' }]);
  await bed.send({ method: 'PUT', path: 'both/static?multipart-manifest=put', body: manifest });
  const used = async () =>
    Number((await bed.send({ method: 'HEAD', path: 'both' })).headers['x-container-bytes-used']);
  const before = await used();
  assert.ok(before < 1000, `${before}`);
  const version = String(first.headers['x-amz-version-id']);
  assert.equal((await s3(bed, { method: 'DELETE', path: `/both/static?versionId=${version}` })).status, 204);
  assert.ok((await used()) <= before, `${await used()}`);
});

test("a bucket's default retention holds what comes through Swift, too", async () => {
  await using bed = await openTestBed();
  await s3(bed, { method: 'PUT', path: '/kept', headers: { 'x-amz-bucket-object-lock-enabled': 'true' } });
  const rule = '<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule>';
  const lock = `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`;
  const configured = await s3(bed, { method: 'PUT', path: '/kept/?object-lock', body: lock });
  assert.equal(configured.status, 200);
  assert.equal((await bed.send({ method: 'PUT', path: 'kept/evidence', body: 'seen' })).status, 201);
  const head = await s3(bed, { method: 'HEAD', path: '/kept/evidence' });
  assert.equal(head.headers['x-amz-object-lock-mode'], 'COMPLIANCE');
  const version = String(head.headers['x-amz-version-id']);
  // Swift's removal leaves a marker; the version itself stays until its day has passed.
  assert.equal((await bed.send({ method: 'DELETE', path: 'kept/evidence' })).status, 204);
  const removed = await s3(bed, { method: 'DELETE', path: `/kept/evidence?versionId=${version}` });
  assert.equal(removed.status, 403);
  assert.equal((await s3(bed, { path: `/kept/evidence?versionId=${version}` })).status, 200);
});
