import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ada, bob, mia, openTestBed, root, type TestBed, texts } from './s3-test-bed.ts';

const adaId = ada.principal.account;
const bobId = bob.principal.account;

async function openWithBucket(headers: Record<string, string> = {}): Promise<TestBed> {
  const bed = await openTestBed();
  assert.equal((await bed.send({ method: 'PUT', path: '/box', headers })).status, 200);
  return bed;
}

const put = (key: string, headers: Record<string, string> = {}) =>
  ({ method: 'PUT', path: `/box/${key}`, body: key, headers }) as const;
const get = (path: string) => ({ method: 'GET', path }) as const;

function policyOf(...statements: object[]) {
  const Resource = ['arn:aws:s3:::box', 'arn:aws:s3:::box/*'];
  const Statement = statements.map((one) => ({ Effect: 'Allow', Principal: '*', Resource, ...one }));
  return { method: 'PUT', path: '/box?policy', body: JSON.stringify({ Version: '2012-10-17', Statement }) };
}

test('nobody but its owner and an administrator has anything of a bucket that was not opened', async () => {
  await using bed = await openWithBucket();
  await bed.send(put('key'));
  for (const path of ['/box', '/box/key', '/box/missing', '/box?acl', '/box/key?acl', '/box?policy']) {
    for (const as of [bob, null])
      assert.equal((await bed.send({ ...get(path), as })).code, 'AccessDenied', path);
  }
  assert.equal((await bed.send({ ...put('key'), as: null })).code, 'AccessDenied');
  assert.equal((await bed.send({ ...get('/'), as: null })).code, 'AccessDenied');
  assert.equal((await bed.send({ method: 'PUT', path: '/mine', as: null })).code, 'AccessDenied');
  assert.equal((await bed.send({ ...get('/box/key'), as: root })).text, 'key');
  assert.equal((await bed.send({ ...get('/none/key'), as: null })).code, 'NoSuchBucket');
});

test('a canned list opens a bucket, an object, and no more', async () => {
  await using bed = await openWithBucket({ 'x-amz-acl': 'public-read' });
  await bed.send(put('closed'));
  await bed.send(put('open', { 'x-amz-acl': 'public-read' }));
  assert.deepEqual(texts((await bed.send({ ...get('/box'), as: null })).xml, 'Key'), ['closed', 'open']);
  assert.equal((await bed.send({ ...get('/box/open'), as: null })).text, 'open');
  assert.equal((await bed.send({ ...get('/box/closed'), as: null })).code, 'AccessDenied');
  assert.equal((await bed.send({ ...get('/box/missing'), as: null })).code, 'NoSuchKey');
  assert.equal((await bed.send({ ...put('open'), as: bob })).code, 'AccessDenied');
  const before = (await bed.send(get('/box/open'))).headers['last-modified'];
  await bed.send({ method: 'PUT', path: '/box/open?acl', headers: { 'x-amz-acl': 'private' } });
  const closed = await bed.send(get('/box/open'));
  assert.equal(closed.headers['last-modified'], before, 'a list does not touch the object');
  assert.equal((await bed.send({ ...get('/box/open'), as: null })).code, 'AccessDenied');
});

test('what another wrote is the other’s, until the bucket’s owner is let in', async () => {
  await using bed = await openWithBucket({ 'x-amz-acl': 'public-read-write' });
  assert.equal((await bed.send({ ...put('bobs'), as: bob })).status, 200);
  assert.equal((await bed.send(get('/box/bobs'))).code, 'AccessDenied');
  assert.equal((await bed.send({ ...get('/box/bobs'), as: bob })).text, 'bobs');
  const list = await bed.send({ ...get('/box/bobs?acl'), as: bob });
  assert.deepEqual(texts(list.xml, 'ID'), [bobId, bobId]);
  await bed.send({ ...put('shared', { 'x-amz-acl': 'bucket-owner-full-control' }), as: bob });
  assert.equal((await bed.send(get('/box/shared'))).text, 'shared');
  assert.equal((await bed.send({ ...put('unsigned'), as: null })).status, 200);
  assert.equal((await bed.send(get('/box/unsigned'))).text, 'unsigned', 'nobody owns what nobody signed');
  assert.equal((await bed.send({ method: 'DELETE', path: '/box/bobs' })).status, 204);
});

test('a list is sent as a document and comes back; one that cannot be is refused', async () => {
  await using bed = await openWithBucket();
  const document = (owner: string, grantee: string) =>
    `<AccessControlPolicy><Owner><ID>${owner}</ID></Owner><AccessControlList><Grant><Grantee>${grantee}</Grantee>` +
    '<Permission>READ_ACP</Permission></Grant></AccessControlList></AccessControlPolicy>';
  const send = (body: string, headers: Record<string, string> = {}) =>
    bed.send({ method: 'PUT', path: '/box?acl', body, headers });
  assert.equal((await send(document(adaId, `<ID>${bobId}</ID>`))).status, 200);
  const shown = await bed.send({ ...get('/box?acl'), as: bob });
  assert.deepEqual(texts(shown.xml, 'DisplayName'), ['ada-account', 'bob-account']);
  assert.deepEqual(texts(shown.xml, 'Permission'), ['READ_ACP']);
  assert.equal((await bed.send(get('/box'))).status, 200, 'an owner needs no grant');
  assert.equal((await send(document(bobId, `<ID>${bobId}</ID>`))).code, 'AccessDenied');
  assert.equal((await send(document(adaId, '<ID>_nobody</ID>'))).code, 'InvalidArgument');
  assert.equal((await send(document(adaId, '<URI>http://x</URI>'))).code, 'MalformedACLError');
  const email = document(adaId, '<EmailAddress>a@b.c</EmailAddress>');
  assert.equal((await send(email)).code, 'UnresolvableGrantByEmailAddress');
  assert.equal((await send('<AccessControlPolicy/>')).code, 'MalformedACLError');
  assert.equal((await send('', { 'x-amz-acl': 'open-to-all' })).code, 'InvalidArgument');
  const both = { 'x-amz-acl': 'private', 'x-amz-grant-read': `id=${bobId}` };
  assert.equal((await send('', both)).code, 'InvalidRequest');
  assert.equal((await send('', { 'x-amz-grant-read': `id="${bobId}", uri=x` })).code, 'InvalidArgument');
  assert.equal((await send('', { 'x-amz-grant-write': `id="${bobId}"` })).status, 200);
  assert.equal((await bed.send({ ...put('key'), as: bob })).status, 200);
});

test('a bucket policy gives and takes, and its owner can always take it back', async () => {
  await using bed = await openWithBucket();
  await bed.send(put('open/a', { 'x-amz-tagging': 'class=public' }));
  await bed.send(put('open/b'));
  const tagged = { StringEquals: { 's3:ExistingObjectTag/class': 'public' } };
  const policy = policyOf(
    { Action: 's3:GetObject', Condition: tagged },
    { Action: 's3:ListBucket', Condition: { StringLike: { 's3:prefix': 'open/*' } } },
  );
  assert.equal((await bed.send(policy)).status, 204);
  assert.equal((await bed.send(get('/box?policy'))).text, policy.body);
  assert.equal((await bed.send({ ...get('/box/open/a'), as: null })).text, 'open/a');
  assert.equal((await bed.send({ ...get('/box/open/b'), as: null })).code, 'AccessDenied');
  assert.equal((await bed.send({ ...get('/box?prefix=open/'), as: bob })).status, 200);
  assert.equal((await bed.send({ ...get('/box'), as: bob })).code, 'AccessDenied');
  assert.equal((await bed.send({ ...policy, as: bob })).code, 'AccessDenied');
  assert.equal((await bed.send(policyOf({ Effect: 'Deny', Action: 's3:*' }))).status, 204);
  assert.equal((await bed.send(get('/box/open/a'))).code, 'AccessDenied');
  assert.equal((await bed.send({ method: 'DELETE', path: '/box?policy' })).status, 204);
  assert.equal((await bed.send(get('/box/open/a'))).status, 200);
  assert.equal((await bed.send(get('/box?policy'))).code, 'NoSuchBucketPolicy');
  assert.equal((await bed.send({ ...policyOf({ Action: 'x' }) })).code, 'MalformedPolicy');
  assert.equal((await bed.send({ ...policy, body: 'x'.repeat(30_000) })).code, 'MalformedPolicy');
});

test('who may write may not give lists, tags and locks along, unless it may do that by itself', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box', headers: { 'x-amz-bucket-object-lock-enabled': 'true' } });
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const retention = {
    'x-amz-object-lock-mode': 'GOVERNANCE',
    'x-amz-object-lock-retain-until-date': until,
  };
  const cases = [
    ['s3:PutObjectAcl', { 'x-amz-acl': 'public-read' }],
    ['s3:PutObjectAcl', { 'x-amz-grant-read': `id=${bobId}` }],
    ['s3:PutObjectTagging', { 'x-amz-tagging': 'class=public' }],
    ['s3:PutObjectRetention', retention],
    ['s3:PutObjectLegalHold', { 'x-amz-object-lock-legal-hold': 'OFF' }],
  ] as const;
  for (const [action, headers] of cases) {
    const more = { ...headers };
    const begin = { method: 'POST', path: '/box/parts?uploads', headers: more, as: mia };
    const copy = { ...put('copy', { ...more, 'x-amz-copy-source': '/box/plain' }), body: '', as: mia };
    const given = async () => [
      (await bed.send({ ...put('key', more), as: mia })).status,
      (await bed.send(begin)).status,
      (await bed.send(copy)).status,
    ];
    await bed.send(policyOf({ Action: ['s3:PutObject', 's3:GetObject'] }));
    assert.equal((await bed.send({ ...put('plain', { 'x-amz-acl': 'private' }), as: mia })).status, 200);
    assert.deepEqual(await given(), [403, 403, 403], action);
    await bed.send(policyOf({ Action: ['s3:PutObject', 's3:GetObject', action] }));
    assert.deepEqual(await given(), [200, 200, 200], action);
  }
});

test('whoever the bucket’s list lets write owns what it writes, unless a policy says no', async () => {
  await using bed = await openWithBucket({ 'x-amz-acl': 'public-read-write' });
  const more = { 'x-amz-acl': 'public-read', 'x-amz-tagging': 'class=public' };
  for (const as of [null, bob, mia]) assert.equal((await bed.send({ ...put('key', more), as })).status, 200);
  assert.equal((await bed.send({ ...get('/box/key'), as: null })).text, 'key');
  await bed.send(policyOf({ Effect: 'Deny', Action: ['s3:PutObjectTagging', 's3:PutObjectAcl'] }));
  for (const as of [null, bob, mia]) {
    assert.equal((await bed.send({ ...put('key'), as })).status, 200);
    for (const [name, value] of Object.entries(more))
      assert.equal((await bed.send({ ...put('key', { [name]: value }), as })).code, 'AccessDenied');
  }
});

test('a condition is about what is done, and not about what the request says elsewhere', async () => {
  await using bed = await openWithBucket();
  await bed.send({
    method: 'PUT',
    path: '/box?versioning',
    body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
  });
  await bed.send({ method: 'PUT', path: '/bobs', as: bob });
  const [one = '', two = ''] = [await bed.send(put('key')), await bed.send(put('key'))].map(({ headers }) =>
    String(headers['x-amz-version-id']),
  );
  const full = { StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } };
  const only = { StringEquals: { 's3:VersionId': one } };
  await bed.send(
    policyOf(
      { Action: ['s3:PutObject', 's3:PutObjectAcl'], Condition: full },
      { Action: 's3:GetObjectVersion', Condition: only },
      { Action: 's3:DeleteObjectVersion', Condition: only },
    ),
  );
  const asParameter = { ...put('mine?x-amz-acl=bucket-owner-full-control'), as: bob };
  assert.equal((await bed.send(asParameter)).code, 'AccessDenied');
  const asHeader = { ...put('mine', { 'x-amz-acl': 'bucket-owner-full-control' }), as: bob };
  assert.equal((await bed.send(asHeader)).status, 200);

  const copies = async (version: string) => {
    const headers = { 'x-amz-copy-source': `/box/key?versionId=${version}` };
    return (await bed.send({ method: 'PUT', path: `/bobs/key?versionId=${one}`, headers, as: bob })).status;
  };
  assert.deepEqual([await copies(two), await copies(one)], [403, 200]);

  const removes = async (version: string) => {
    const body = `<Delete><Object><Key>key</Key><VersionId>${version}</VersionId></Object></Delete>`;
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
    const sent = { method: 'POST', path: `/box?delete&versionId=${one}`, body, headers, as: bob };
    return texts((await bed.send(sent)).xml, 'Code');
  };
  assert.deepEqual([await removes(two), await removes(one)], [['AccessDenied'], []]);
});

test('a copy needs leave at both ends', async () => {
  await using bed = await openWithBucket();
  await bed.send(put('key'));
  await bed.send({ method: 'PUT', path: '/bobs', as: bob });
  const copy = { method: 'PUT', path: '/bobs/copy', headers: { 'x-amz-copy-source': '/box/key' } };
  assert.equal((await bed.send({ ...copy, as: bob })).code, 'AccessDenied');
  assert.equal((await bed.send({ ...copy, as: ada })).code, 'AccessDenied');
  await bed.send(policyOf({ Action: 's3:GetObject', Principal: { AWS: `arn:aws:iam::${bobId}:root` } }));
  assert.equal((await bed.send({ ...copy, as: bob })).status, 200);
  assert.equal((await bed.send({ ...get('/bobs/copy'), as: bob })).text, 'key');
});

test('each key of a deletion is decided for itself', async () => {
  await using bed = await openWithBucket();
  await bed.send(put('mine'));
  await bed.send(put('yours'));
  await bed.send(policyOf({ Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::box/yours' }));
  const body = '<Delete><Object><Key>mine</Key></Object><Object><Key>yours</Key></Object></Delete>';
  const headers = { 'x-amz-checksum-crc32': 'AAAAAA==' };
  assert.equal(
    (await bed.send({ method: 'POST', path: '/box?delete', body, headers, as: bob })).code,
    'BadDigest',
  );
  const md5 = { 'Content-MD5': createHash('md5').update(body).digest('base64') };
  const answer = await bed.send({ method: 'POST', path: '/box?delete', body, headers: md5, as: bob });
  assert.deepEqual(texts(answer.xml, 'Code'), ['AccessDenied']);
  assert.deepEqual(texts((await bed.send(get('/box'))).xml, 'Key'), ['mine']);
});

test('public access is blocked where that is asked for', async () => {
  await using bed = await openWithBucket({ 'x-amz-acl': 'public-read' });
  await bed.send(put('key', { 'x-amz-acl': 'public-read' }));
  assert.equal((await bed.send(get('/box?policyStatus'))).text.includes('<IsPublic>true<'), true);
  const block = (switches: string) =>
    bed.send({
      method: 'PUT',
      path: '/box?publicAccessBlock',
      body: `<PublicAccessBlockConfiguration>${switches}</PublicAccessBlockConfiguration>`,
    });
  const on = (name: string) => `<${name}>true</${name}>`;
  assert.equal((await block(on('IgnorePublicAcls'))).status, 200);
  assert.equal((await bed.send({ ...get('/box'), as: null })).code, 'AccessDenied');
  assert.equal((await bed.send({ ...get('/box/key'), as: bob })).code, 'AccessDenied');
  assert.equal((await block(on('BlockPublicAcls') + on('BlockPublicPolicy'))).status, 200);
  assert.equal((await bed.send(put('more', { 'x-amz-acl': 'public-read' }))).code, 'AccessDenied');
  assert.equal((await bed.send(policyOf({ Action: 's3:GetObject' }))).code, 'AccessDenied');
  assert.equal((await block('<BlockPublicAcls>maybe</BlockPublicAcls>')).code, 'MalformedXML');
  const shown = await bed.send(get('/box?publicAccessBlock'));
  assert.deepEqual(texts(shown.xml, 'BlockPublicPolicy'), ['true']);
  assert.equal((await bed.send({ method: 'DELETE', path: '/box?publicAccessBlock' })).status, 204);
  assert.equal((await bed.send({ ...get('/box/key'), as: null })).text, 'key');
});

test('where the bucket’s owner is enforced, lists count for nothing', async () => {
  await using bed = await openWithBucket();
  const controls =
    '<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>';
  const enforce = () => bed.send({ method: 'PUT', path: '/box?ownershipControls', body: controls });
  await bed.send({ method: 'PUT', path: '/box?acl', headers: { 'x-amz-acl': 'public-read-write' } });
  assert.equal((await enforce()).code, 'InvalidBucketAclWithObjectOwnership');
  await bed.send({ method: 'PUT', path: '/box?acl', headers: { 'x-amz-acl': 'private' } });
  assert.equal((await enforce()).status, 200);
  assert.equal(
    (await bed.send(put('key', { 'x-amz-acl': 'public-read' }))).code,
    'AccessControlListNotSupported',
  );
  await bed.send(policyOf({ Action: 's3:PutObject' }));
  await bed.send({ ...put('bobs', { 'x-amz-acl': 'bucket-owner-full-control' }), as: bob });
  assert.equal((await bed.send(get('/box/bobs'))).text, 'bobs');
});

test('tags are set, counted, copied and removed; too many or malformed ones are refused', async () => {
  await using bed = await openWithBucket();
  await bed.send(put('key', { 'x-amz-tagging': 'b=2&a=x%20y' }));
  assert.equal((await bed.send(get('/box/key'))).headers['x-amz-tagging-count'], '2');
  assert.deepEqual(texts((await bed.send(get('/box/key?tagging'))).xml, 'Value'), ['x y', '2']);
  const tags = (count: number) =>
    Array.from({ length: count }, (_, at) => `<Tag><Key>k${at}</Key><Value/></Tag>`).join('');
  const send = (path: string, count: number) =>
    bed.send({ method: 'PUT', path, body: `<Tagging><TagSet>${tags(count)}</TagSet></Tagging>` });
  assert.equal((await send('/box/key?tagging', 10)).status, 200);
  assert.equal((await send('/box/key?tagging', 11)).code, 'InvalidTag');
  assert.equal((await send('/box?tagging', 50)).status, 204);
  assert.equal((await send('/box?tagging', 51)).code, 'InvalidTag');
  assert.equal((await bed.send(put('other', { 'x-amz-tagging': 'a=1&a=2' }))).code, 'InvalidTag');
  const copy = { 'x-amz-copy-source': '/box/key' };
  await bed.send({ method: 'PUT', path: '/box/copy', headers: copy });
  assert.equal(texts((await bed.send(get('/box/copy?tagging'))).xml, 'Key').length, 10);
  const replaced = { ...copy, 'x-amz-tagging-directive': 'REPLACE', 'x-amz-tagging': 'own=1' };
  await bed.send({ method: 'PUT', path: '/box/copy', headers: replaced });
  assert.deepEqual(texts((await bed.send(get('/box/copy?tagging'))).xml, 'Key'), ['own']);
  assert.equal((await bed.send({ method: 'DELETE', path: '/box/key?tagging' })).status, 204);
  assert.deepEqual(texts((await bed.send(get('/box/key?tagging'))).xml, 'Key'), []);
  assert.equal((await send('/box/none?tagging', 1)).code, 'NoSuchKey');
});

test('browsers are answered as the bucket’s CORS rules have it', async () => {
  await using bed = await openWithBucket({ 'x-amz-acl': 'public-read' });
  const rule = (inner: string) => `<CORSConfiguration><CORSRule>${inner}</CORSRule></CORSConfiguration>`;
  const set = (inner: string) => bed.send({ method: 'PUT', path: '/box?cors', body: rule(inner) });
  const good =
    '<AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedOrigin>http://*.test</AllowedOrigin>' +
    '<AllowedHeader>x-amz-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds>';
  assert.equal((await set(good)).status, 200);
  assert.deepEqual(texts((await bed.send(get('/box?cors'))).xml, 'MaxAgeSeconds'), ['60']);
  const preflight = (headers: Record<string, string>) =>
    bed.send({ method: 'OPTIONS', path: '/box/key', headers, as: null });
  const origin = { Origin: 'http://a.test' };
  const allowed = await preflight({
    ...origin,
    'Access-Control-Request-Method': 'PUT',
    'Access-Control-Request-Headers': 'X-Amz-Date',
  });
  assert.equal(allowed.status, 200);
  assert.equal(allowed.headers['access-control-allow-origin'], 'http://a.test');
  assert.equal(allowed.headers['access-control-allow-headers'], 'x-amz-date');
  assert.equal(allowed.headers['access-control-max-age'], '60');
  assert.equal(
    (await preflight({ ...origin, 'Access-Control-Request-Method': 'DELETE' })).code,
    'AccessForbidden',
  );
  assert.equal((await preflight({})).status, 400);
  const foreign = { Origin: 'http://a.example', 'Access-Control-Request-Method': 'GET' };
  assert.equal((await preflight(foreign)).status, 403);
  const listing = await bed.send({ ...get('/box'), headers: origin, as: null });
  assert.equal(listing.headers['access-control-expose-headers'], 'ETag');
  const refused = await bed.send({ ...get('/box?policy'), headers: origin, as: null });
  assert.equal(refused.code, 'AccessDenied');
  assert.equal(refused.headers['access-control-allow-origin'], 'http://a.test');
  assert.equal((await set(good.replace('*', '*.*'))).code, 'InvalidRequest');
  assert.equal((await set(good.replace('PUT', 'PATCH'))).code, 'InvalidRequest');
  assert.equal((await set('<AllowedMethod>GET</AllowedMethod>')).code, 'MalformedXML');
});
