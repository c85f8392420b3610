import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { bob, openTestBed, type TestBed, texts } from './s3-test-bed.ts';

const md5 = (bytes: Buffer | string) => createHash('md5').update(bytes).digest('hex');

async function openWithSource(body: Buffer | string): Promise<TestBed> {
  const bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  const headers = { 'Content-Type': 'text/plain', 'x-amz-meta-a': '1' };
  await bed.send({ method: 'PUT', path: '/box/source', body, headers });
  return bed;
}

function copy(bed: TestBed, path: string, source: string, headers: Record<string, string> = {}) {
  return bed.send({ method: 'PUT', path, headers: { 'x-amz-copy-source': source, ...headers } });
}

test('a copy has its own bytes, and the metadata of its source or its own', async () => {
  for (const body of [Buffer.from('small'), randomBytes(300_000)]) {
    await using bed = await openWithSource(body);
    const copied = await copy(bed, '/box/kept', 'box/source');
    assert.deepEqual(texts(copied.xml, 'ETag'), [`"${md5(body)}"`]);
    const own = { 'x-amz-metadata-directive': 'REPLACE', 'Content-Type': 'image/png', 'x-amz-meta-b': '2' };
    assert.equal((await copy(bed, '/box/replaced', '/box/source?versionId=null', own)).status, 200);
    await bed.send({ method: 'DELETE', path: '/box/source' });
    const kept = await bed.send({ method: 'GET', path: '/box/kept' });
    assert.ok(kept.body.equals(body));
    assert.equal(kept.headers['content-type'], 'text/plain');
    assert.equal(kept.headers['x-amz-meta-a'], '1');
    const replaced = await bed.send({ method: 'GET', path: '/box/replaced' });
    assert.ok(replaced.body.equals(body));
    assert.equal(replaced.headers['content-type'], 'image/png');
    assert.equal(replaced.headers['x-amz-meta-a'], undefined);
    assert.equal(replaced.headers['x-amz-meta-b'], '2');
  }
});

test('onto itself, an object only changes its metadata, and must', async () => {
  const body = randomBytes(300_000);
  await using bed = await openWithSource(body);
  assert.equal((await copy(bed, '/box/source', 'box/source')).code, 'InvalidRequest');
  const own = { 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-a': 'new' };
  assert.equal((await copy(bed, '/box/source', 'box/source', own)).status, 200);
  const got = await bed.send({ method: 'GET', path: '/box/source' });
  assert.ok(got.body.equals(body));
  assert.equal(got.headers['x-amz-meta-a'], 'new');
  assert.equal(bed.cluster.stripeCount, 3);
});

test('conditions on the source, and on what the copy replaces', async () => {
  await using bed = await openWithSource('one');
  const etag = md5('one');
  const to = (headers: Record<string, string>) => copy(bed, '/box/target', 'box/source', headers);
  assert.equal((await to({ 'x-amz-copy-source-if-match': '"x"' })).code, 'PreconditionFailed');
  assert.equal((await to({ 'x-amz-copy-source-if-none-match': etag })).code, 'PreconditionFailed');
  const past = 'Thu, 01 Jan 1998 00:00:00 GMT';
  assert.equal((await to({ 'x-amz-copy-source-if-unmodified-since': past })).code, 'PreconditionFailed');
  const both = { 'x-amz-copy-source-if-match': etag, 'x-amz-copy-source-if-unmodified-since': past };
  assert.equal((await to({ ...both, 'If-None-Match': '*' })).status, 200);
  assert.equal((await to({ 'If-None-Match': '*' })).code, 'PreconditionFailed');
  assert.equal((await to({ 'If-Match': etag })).status, 200);
});

test('sources that are missing, foreign or malformed are refused', async () => {
  await using bed = await openWithSource('one');
  await bed.send({ method: 'PUT', path: '/bobs', as: bob });
  await bed.send({ method: 'PUT', path: '/bobs/secret', body: 'x', as: bob });
  const code = async (source: string, headers: Record<string, string> = {}) =>
    (await copy(bed, '/box/target', source, headers)).code;
  assert.equal(await code('box/none'), 'NoSuchKey');
  assert.equal(await code('none/source'), 'NoSuchBucket');
  assert.equal(await code('bobs/secret'), 'AccessDenied');
  assert.equal(await code('box/source?versionId=7'), 'NoSuchVersion');
  assert.equal(await code('box'), 'InvalidArgument');
  assert.equal(await code('box/'), 'InvalidArgument');
  assert.equal(await code('box/%ZZ'), 'InvalidURI');
  assert.equal(await code('box/source', { 'x-amz-metadata-directive': 'MERGE' }), 'InvalidArgument');
});

test('names of sources are percent-encoded', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  await bed.send({ method: 'PUT', path: '/box/a%20%2B%3F%C3%BC', body: 'x' });
  assert.equal((await copy(bed, '/box/copy', '/box/a%20%2B%3F%C3%BC')).status, 200);
  assert.equal(
    (await copy(bed, '/box/copy', '/box/a%20+%3F%C3%BC')).status,
    200,
    'a plus is a plus in a path',
  );
});
