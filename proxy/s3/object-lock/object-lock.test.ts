/** Object lock: a version that is kept stays, current or not, whoever asks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestBed, type TestBed, texts } from '../s3-test-bed.ts';

const later = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
const retention = (mode: string, until: string) =>
  `<Retention><Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`;
const hold = (status: string) => `<LegalHold><Status>${status}</Status></LegalHold>`;
const bypass = { 'x-amz-bypass-governance-retention': 'true' };

async function openLocked(): Promise<TestBed> {
  const bed = await openTestBed({ partBytesMin: 1 });
  const headers = { 'x-amz-bucket-object-lock-enabled': 'true' };
  assert.equal((await bed.send({ method: 'PUT', path: '/box', headers })).status, 200);
  return bed;
}

async function put(bed: TestBed, headers: Record<string, string> = {}): Promise<string> {
  const answer = await bed.send({ method: 'PUT', path: '/box/k', body: 'x', headers });
  assert.equal(answer.status, 200);
  return String(answer.headers['x-amz-version-id']);
}

const remove = async (bed: TestBed, version: string, headers: Record<string, string> = {}) => {
  const { status, code } = await bed.send({ method: 'DELETE', path: `/box/k?versionId=${version}`, headers });
  return code ?? status;
};

test('a legal hold and a retention keep a version, also behind others and behind a delete marker', async () => {
  await using bed = await openLocked();
  const held = await put(bed, { 'x-amz-object-lock-legal-hold': 'ON' });
  const governed = await put(bed);
  const set = (query: string, body: string, headers = {}) =>
    bed.send({ method: 'PUT', path: `/box/k?${query}`, body, headers });
  assert.equal((await set('retention', retention('GOVERNANCE', later(2)))).status, 200);
  const complied = await put(bed, {
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': later(1),
  });
  const free = await put(bed);
  assert.equal((await bed.send({ method: 'DELETE', path: '/box/k' })).status, 204);
  for (const version of [held, governed, complied]) assert.equal(await remove(bed, version), 'AccessDenied');
  for (const version of [held, complied]) assert.equal(await remove(bed, version, bypass), 'AccessDenied');
  assert.equal(await remove(bed, free), 204);

  const shorter = retention('GOVERNANCE', later(1));
  assert.equal((await set(`retention&versionId=${governed}`, shorter)).code, 'AccessDenied');
  assert.equal((await set(`retention&versionId=${governed}`, shorter, bypass)).status, 200);
  assert.equal((await set(`retention&versionId=${complied}`, shorter, bypass)).code, 'AccessDenied');
  assert.equal(await remove(bed, governed, bypass), 204);
  assert.equal((await set(`legal-hold&versionId=${held}`, hold('OFF'))).status, 200);
  assert.equal(await remove(bed, held), 204);
  const head = await bed.send({ method: 'HEAD', path: `/box/k?versionId=${complied}` });
  assert.equal(head.headers['x-amz-object-lock-mode'], 'COMPLIANCE');
  assert.equal((await bed.send({ method: 'DELETE', path: '/box' })).code, 'BucketNotEmpty');
});

test('a bucket gives its retention to what comes without one, uploads in parts too', async () => {
  await using bed = await openLocked();
  const configure = (body: string) => bed.send({ method: 'PUT', path: '/box?object-lock', body });
  const rule = (inner: string) =>
    `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>${inner}</DefaultRetention></Rule></ObjectLockConfiguration>`;
  assert.equal((await configure(rule('<Mode>GOVERNANCE</Mode><Days>3</Days>'))).status, 200);
  const read = await bed.send({ method: 'GET', path: '/box?object-lock' });
  assert.deepEqual([texts(read.xml, 'Mode'), texts(read.xml, 'Days')], [['GOVERNANCE'], ['3']]);
  assert.equal(await remove(bed, await put(bed)), 'AccessDenied');
  const begun = await bed.send({ method: 'POST', path: '/box/k?uploads' });
  const uploadId = texts(begun.xml, 'UploadId')[0] ?? '';
  const part = await bed.send({ method: 'PUT', path: `/box/k?partNumber=1&uploadId=${uploadId}`, body: 'x' });
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
  const completed = await bed.send({ method: 'POST', path: `/box/k?uploadId=${uploadId}`, body });
  assert.equal(await remove(bed, String(completed.headers['x-amz-version-id'])), 'AccessDenied');
  for (const [inner, code] of [
    ['<Mode>GOVERNANCE</Mode><Days>0</Days>', 'InvalidRetentionPeriod'],
    ['<Mode>GOVERNANCE</Mode><Years>-1</Years>', 'InvalidRetentionPeriod'],
    ['<Mode>governance</Mode><Days>1</Days>', 'MalformedXML'],
    ['<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>', 'MalformedXML'],
    ['<Mode>GOVERNANCE</Mode>', 'MalformedXML'],
  ] as const) {
    assert.equal((await configure(rule(inner))).code, code, inner);
  }
});

test('a bucket without a lock refuses what asks for one, and one with a lock keeps versioning', async () => {
  await using bed = await openLocked();
  await bed.send({ method: 'PUT', path: '/plain' });
  await bed.send({ method: 'PUT', path: '/plain/k', body: 'x' });
  const headers = { 'x-amz-object-lock-legal-hold': 'ON' };
  assert.equal(
    (await bed.send({ method: 'PUT', path: '/plain/k', body: 'x', headers })).code,
    'InvalidRequest',
  );
  for (const query of ['retention', 'legal-hold']) {
    assert.equal((await bed.send({ method: 'GET', path: `/plain/k?${query}` })).code, 'InvalidRequest');
  }
  const enable =
    '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>';
  const refused = await bed.send({ method: 'PUT', path: '/plain?object-lock', body: enable });
  assert.equal(refused.code, 'InvalidBucketState');
  const suspend = '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>';
  assert.equal(
    (await bed.send({ method: 'PUT', path: '/box?versioning', body: suspend })).code,
    'InvalidBucketState',
  );
});
