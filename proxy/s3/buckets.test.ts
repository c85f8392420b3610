import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, bob, openTestBed, root, texts } from './s3-test-bed.ts';

test('a bucket is created, seen, listed and deleted', async () => {
  await using bed = await openTestBed();
  assert.equal((await bed.send({ method: 'HEAD', path: '/photos' })).status, 404);
  const created = await bed.send({ method: 'PUT', path: '/photos' });
  assert.equal(created.status, 200);
  assert.equal(created.headers['location'], '/photos');
  assert.equal(created.headers['server'], 'Holdfast');
  assert.match(String(created.headers['x-amz-request-id']), /^[0-9A-F]{16}$/);
  assert.ok(created.headers['x-amz-id-2'] !== undefined && created.headers['date'] !== undefined);
  assert.equal(
    (await bed.send({ method: 'HEAD', path: '/photos' })).headers['x-amz-bucket-region'],
    'us-east-1',
  );
  const listed = await bed.send({ method: 'GET', path: '/' });
  assert.deepEqual(texts(listed.xml, 'Name'), ['photos']);
  assert.deepEqual(texts(listed.xml, 'ID'), [ada.principal.account]);
  assert.deepEqual(texts((await bed.send({ method: 'GET', path: '/', as: bob })).xml, 'Name'), []);
  assert.equal((await bed.send({ method: 'DELETE', path: '/photos' })).status, 204);
  assert.equal((await bed.send({ method: 'DELETE', path: '/photos' })).code, 'NoSuchBucket');
  assert.equal(bed.cluster.recordCount, 0, 'the record and the claim are both gone');
});

test('creating it again is no error in us-east-1, and one elsewhere; another account never gets the name', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/mine' });
  assert.equal((await bed.send({ method: 'PUT', path: '/mine' })).status, 200);
  assert.equal((await bed.send({ method: 'PUT', path: '/mine', as: bob })).code, 'BucketAlreadyExists');
  await using elsewhere = await openTestBed({ region: 'hold-1', cluster: bed.cluster });
  const again = await elsewhere.send({ method: 'PUT', path: '/mine' });
  assert.equal(again.code, 'BucketAlreadyOwnedByYou');
  assert.equal(again.status, 409);
});

test('the location constraint must be the region, and the location says it', async () => {
  await using bed = await openTestBed({ region: 'hold-1' });
  const configuration = (region: string) =>
    `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
  const elsewhere = await bed.send({ method: 'PUT', path: '/bucket', body: configuration('eu-west-1') });
  assert.equal(elsewhere.code, 'InvalidLocationConstraint');
  assert.equal((await bed.send({ method: 'PUT', path: '/bucket', body: '<Other/>' })).code, 'MalformedXML');
  assert.equal(
    (await bed.send({ method: 'PUT', path: '/bucket', body: configuration('hold-1') })).status,
    200,
  );
  const location = await bed.send({ method: 'GET', path: '/bucket?location' });
  assert.equal(location.xml.text, 'hold-1');
});

test('names that S3 forbids are refused', async () => {
  await using bed = await openTestBed();
  for (const name of [
    'ab',
    'Photos',
    'a_b',
    '-ab',
    'a..b',
    '192.168.1.1',
    'xn--abc',
    'a'.repeat(64),
    '_holdfast',
  ]) {
    assert.equal((await bed.send({ method: 'PUT', path: `/${name}` })).code, 'InvalidBucketName', name);
  }
});

test('a bucket is for its account and the administrator only', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/private' });
  await bed.send({ method: 'PUT', path: '/private/key', body: 'secret' });
  for (const sent of [
    { method: 'GET', path: '/private' },
    { method: 'GET', path: '/private/key' },
    { method: 'PUT', path: '/private/other', body: 'x' },
    { method: 'DELETE', path: '/private/key' },
    { method: 'DELETE', path: '/private' },
  ]) {
    assert.equal((await bed.send({ ...sent, as: bob })).code, 'AccessDenied');
    assert.equal((await bed.send({ ...sent, as: null })).code, 'AccessDenied');
  }
  assert.equal((await bed.send({ method: 'GET', path: '/private/key', as: root })).text, 'secret');
  const owner = { 'x-amz-expected-bucket-owner': bob.principal.account };
  assert.equal(
    (await bed.send({ method: 'GET', path: '/private/key', headers: owner })).code,
    'AccessDenied',
  );
});

test('a bucket that holds something stays; one with open uploads goes, and they with it', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/full' });
  await bed.send({ method: 'PUT', path: '/full/key', body: 'x' });
  const started = await bed.send({ method: 'POST', path: '/full/big?uploads' });
  const [uploadId = ''] = texts(started.xml, 'UploadId');
  const part = {
    method: 'PUT',
    path: `/full/big?partNumber=1&uploadId=${uploadId}`,
    body: Buffer.alloc(200_000),
  };
  assert.equal((await bed.send(part)).status, 200);
  const refused = await bed.send({ method: 'DELETE', path: '/full' });
  assert.equal(refused.code, 'BucketNotEmpty');
  assert.equal(
    (await bed.send({ method: 'PUT', path: '/full/key', body: 'y' })).status,
    200,
    'still writable',
  );
  await bed.send({ method: 'DELETE', path: '/full/key' });
  assert.equal((await bed.send({ method: 'DELETE', path: '/full' })).status, 204);
  assert.equal(bed.cluster.recordCount, 0);
  assert.equal(bed.cluster.stripeCount, 0);
});

test('what nobody has configured answers as it does on S3', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/plain' });
  const codes = {
    policy: 'NoSuchBucketPolicy',
    cors: 'NoSuchCORSConfiguration',
    tagging: 'NoSuchTagSet',
    lifecycle: 'NoSuchLifecycleConfiguration',
    encryption: 'ServerSideEncryptionConfigurationNotFoundError',
    publicAccessBlock: 'NoSuchPublicAccessBlockConfiguration',
    'object-lock': 'ObjectLockConfigurationNotFoundError',
    website: 'NoSuchWebsiteConfiguration',
    replication: 'ReplicationConfigurationNotFoundError',
  };
  for (const [name, code] of Object.entries(codes)) {
    const answer = await bed.send({ method: 'GET', path: `/plain?${name}` });
    assert.equal(answer.code, code);
    assert.equal(answer.status, 404);
  }
  const versioning = await bed.send({ method: 'GET', path: '/plain?versioning' });
  assert.equal(versioning.xml.name, 'VersioningConfiguration');
  assert.deepEqual(versioning.xml.children, []);
  const acl = await bed.send({ method: 'GET', path: '/plain?acl' });
  assert.deepEqual(texts(acl.xml, 'Permission'), ['FULL_CONTROL']);
  assert.deepEqual(texts(acl.xml, 'DisplayName'), ['ada-account', 'ada-account']);
  for (const path of ['/plain?inventory', '/plain?analytics&id=1', '/plain/key?torrent']) {
    const answer = await bed.send({ method: 'GET', path });
    assert.equal(answer.code, 'NotImplemented');
    assert.equal(answer.status, 501);
  }
  assert.equal(
    (await bed.send({ method: 'PUT', path: '/plain?website', body: '{}' })).code,
    'NotImplemented',
  );
  assert.equal((await bed.send({ method: 'PATCH', path: '/plain' })).code, 'MethodNotAllowed');
});
