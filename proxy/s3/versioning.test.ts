/** Versions through the front door, as a client meets them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Answer, openTestBed, type TestBed, texts } from './s3-test-bed.ts';
import type { XmlElement } from './xml/reader.ts';

const ENABLED = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
const SUSPENDED = '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>';

async function openBucket(): Promise<TestBed> {
  const bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/b-1' });
  return bed;
}

function md5Of(body: string): Record<string, string> {
  return { 'Content-MD5': createHash('md5').update(body).digest('base64') };
}

/** The texts of one element within each of another. */
function childTexts(root: XmlElement, parent: string, name: string): string[] {
  return root.children.filter((child) => child.name === parent).flatMap((child) => texts(child, name));
}

function versionOf(answer: Answer): string {
  return String(answer.headers['x-amz-version-id']);
}

/** Key, version, kind and whether it is the latest, as ListObjectVersions shows them. */
async function listed(bed: TestBed, query = ''): Promise<string[]> {
  const { xml } = await bed.send({ method: 'GET', path: `/b-1?versions${query}` });
  return xml.children
    .filter(({ name }) => name === 'Version' || name === 'DeleteMarker')
    .map((each) => {
      const text = (name: string) => each.children.find((child) => child.name === name)?.text ?? '';
      const latest = text('IsLatest') === 'true' ? ' latest' : '';
      return `${text('Key')} ${each.name} ${text('VersionId')}${latest}`;
    });
}

test('a bucket is unversioned until versioning is enabled, and then never again', async () => {
  await using bed = await openBucket();
  const state = async () => (await bed.send({ method: 'GET', path: '/b-1?versioning' })).text;
  assert.doesNotMatch(await state(), /Status/);
  const put = (body: string) => bed.send({ method: 'PUT', path: '/b-1?versioning', body });
  assert.equal((await put(ENABLED)).status, 200);
  assert.match(await state(), /<Status>Enabled</);
  assert.equal((await put(SUSPENDED)).status, 200);
  assert.match(await state(), /<Status>Suspended</);
  assert.equal((await put('<VersioningConfiguration/>')).code, 'MalformedXML');
});

test('every write is a version, a deletion is a marker, and each comes back by its id', async () => {
  await using bed = await openBucket();
  const before = await bed.send({ method: 'PUT', path: '/b-1/k', body: 'before' });
  assert.equal(before.headers['x-amz-version-id'], undefined);
  await bed.send({ method: 'PUT', path: '/b-1?versioning', body: ENABLED });
  const large = Buffer.alloc(150_000, 'l');
  const first = versionOf(await bed.send({ method: 'PUT', path: '/b-1/k', body: large }));
  const second = versionOf(await bed.send({ method: 'PUT', path: '/b-1/k', body: 'second' }));
  const deleted = await bed.send({ method: 'DELETE', path: '/b-1/k' });
  assert.equal(deleted.status, 204);
  assert.equal(deleted.headers['x-amz-delete-marker'], 'true');
  const marker = versionOf(deleted);
  assert.deepEqual(await listed(bed), [
    `k DeleteMarker ${marker} latest`,
    `k Version ${second}`,
    `k Version ${first}`,
    'k Version null',
  ]);
  assert.doesNotMatch((await bed.send({ method: 'GET', path: '/b-1?list-type=2' })).text, /<Contents>/);
  const gone = await bed.send({ method: 'GET', path: '/b-1/k' });
  assert.deepEqual(
    [gone.status, gone.headers['x-amz-delete-marker'], versionOf(gone)],
    [404, 'true', marker],
  );
  const refused = await bed.send({ method: 'GET', path: `/b-1/k?versionId=${marker}` });
  assert.deepEqual([refused.status, refused.headers['x-amz-delete-marker']], [405, 'true']);
  const got = await bed.send({ method: 'GET', path: `/b-1/k?versionId=${first}` });
  assert.deepEqual([got.body, versionOf(got)], [large, first]);
  const old = await bed.send({ method: 'GET', path: '/b-1/k?versionId=null' });
  assert.deepEqual([old.text, versionOf(old)], ['before', 'null']);

  const undeleted = await bed.send({ method: 'DELETE', path: `/b-1/k?versionId=${marker}` });
  assert.deepEqual([undeleted.headers['x-amz-delete-marker'], versionOf(undeleted)], ['true', marker]);
  assert.equal((await bed.send({ method: 'GET', path: '/b-1/k' })).text, 'second');
  await bed.send({ method: 'DELETE', path: `/b-1/k?versionId=${second}` });
  assert.deepEqual((await bed.send({ method: 'GET', path: '/b-1/k' })).body, large);
  assert.equal((await bed.send({ method: 'DELETE', path: '/b-1' })).code, 'BucketNotEmpty');
  const rest = `<Delete><Object><Key>k</Key><VersionId>${first}</VersionId></Object><Object><Key>k</Key><VersionId>null</VersionId></Object></Delete>`;
  const removed = await bed.send({ method: 'POST', path: '/b-1?delete', body: rest, headers: md5Of(rest) });
  assert.deepEqual(childTexts(removed.xml, 'Deleted', 'VersionId'), [first, 'null']);
  assert.deepEqual(await listed(bed), []);
  assert.equal(bed.cluster.stripeCount, 0);
  assert.equal((await bed.send({ method: 'DELETE', path: '/b-1' })).status, 204);
});

test('suspended, a bucket keeps its versions and replaces the null one', async () => {
  await using bed = await openBucket();
  await bed.send({ method: 'PUT', path: '/b-1?versioning', body: ENABLED });
  const kept = versionOf(await bed.send({ method: 'PUT', path: '/b-1/k', body: 'kept' }));
  await bed.send({ method: 'PUT', path: '/b-1?versioning', body: SUSPENDED });
  for (const body of ['a', 'b']) {
    const put = await bed.send({ method: 'PUT', path: '/b-1/k', body });
    assert.equal(put.headers['x-amz-version-id'], undefined);
  }
  assert.deepEqual(await listed(bed), ['k Version null latest', `k Version ${kept}`]);
  assert.equal(versionOf(await bed.send({ method: 'DELETE', path: '/b-1/k' })), 'null');
  assert.deepEqual(await listed(bed), ['k DeleteMarker null latest', `k Version ${kept}`]);
  await bed.send({ method: 'DELETE', path: '/b-1/k?versionId=null' });
  assert.equal((await bed.send({ method: 'GET', path: '/b-1/k' })).text, 'kept');
});

test('a version is copied back over what came after it', async () => {
  await using bed = await openBucket();
  await bed.send({ method: 'PUT', path: '/b-1?versioning', body: ENABLED });
  const first = versionOf(await bed.send({ method: 'PUT', path: '/b-1/k', body: Buffer.alloc(70_000, 'f') }));
  await bed.send({ method: 'PUT', path: '/b-1/k', body: 'second' });
  const headers = { 'x-amz-copy-source': `/b-1/k?versionId=${first}` };
  const copied = await bed.send({ method: 'PUT', path: '/b-1/k', headers });
  assert.equal(copied.headers['x-amz-copy-source-version-id'], first);
  assert.equal((await listed(bed))[0], `k Version ${versionOf(copied)} latest`);
  await bed.send({ method: 'DELETE', path: `/b-1/k?versionId=${first}` });
  assert.deepEqual((await bed.send({ method: 'GET', path: '/b-1/k' })).body, Buffer.alloc(70_000, 'f'));
});

test('pages of versions go on where they ended, also within a key and behind what was deleted since', async () => {
  await using bed = await openBucket();
  await bed.send({ method: 'PUT', path: '/b-1?versioning', body: ENABLED });
  for (const key of ['a', 'b', 'b', 'b', 'd/1', 'd/2']) {
    await bed.send({ method: 'PUT', path: `/b-1/${key}`, body: 'x' });
  }
  const all = await listed(bed);
  assert.equal(all.length, 6);
  const paged: string[] = [];
  for (let query = ''; ; ) {
    const { xml } = await bed.send({ method: 'GET', path: `/b-1?versions&max-keys=2${query}` });
    paged.push(...(await listed(bed, `&max-keys=2${query}`)));
    for (const entry of paged.slice(-2)) {
      const [key, , id] = entry.split(' ');
      await bed.send({ method: 'DELETE', path: `/b-1/${key}?versionId=${id}` });
    }
    const text = (name: string) => xml.children.find((child) => child.name === name)?.text;
    if (text('IsTruncated') !== 'true') break;
    query = `&key-marker=${text('NextKeyMarker')}&version-id-marker=${text('NextVersionIdMarker')}`;
  }
  const names = (entries: string[]) => entries.map((entry) => entry.replace(' latest', ''));
  assert.deepEqual(names(paged), names(all));
});

test('a common prefix is shown as long as an object, and not only a delete marker, stands under it', async () => {
  await using bed = await openBucket();
  await bed.send({ method: 'PUT', path: '/b-1?versioning', body: ENABLED });
  for (const key of ['a/1', 'b/1', 'b/2', 'c'])
    await bed.send({ method: 'PUT', path: `/b-1/${key}`, body: 'x' });
  for (const key of ['a/1', 'b/1', 'c']) await bed.send({ method: 'DELETE', path: `/b-1/${key}` });
  const page = await bed.send({ method: 'GET', path: '/b-1?list-type=2&delimiter=/&max-keys=1' });
  assert.deepEqual(childTexts(page.xml, 'CommonPrefixes', 'Prefix'), ['b/']);
  assert.match(page.text, /<IsTruncated>false</);
  const versions = await bed.send({ method: 'GET', path: '/b-1?versions&delimiter=/' });
  assert.deepEqual(childTexts(versions.xml, 'CommonPrefixes', 'Prefix'), ['a/', 'b/']);
});
