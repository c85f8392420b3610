/** Temporary URLs: what they open, for how long, and what they leave closed. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { openTestBed, type TestBed } from '../swift-test-bed.ts';

const FUTURE = Math.floor(Date.now() / 1000) + 1000;
let bed: TestBed;

before(async () => {
  bed = await openTestBed();
  await bed.send({ method: 'POST', path: '', headers: { 'X-Account-Meta-Temp-Url-Key': 'whole' } });
  await bed.send({ method: 'PUT', path: 'box', headers: { 'X-Container-Meta-Temp-Url-Key-2': 'boxed' } });
  await bed.send({ method: 'PUT', path: 'other' });
  const headers = { 'X-Object-Meta-Secret': 's', 'X-Object-Meta-Public-Colour': 'blue' };
  for (const name of ['box/a/one.txt', 'box/b', 'other/x'])
    await bed.send({ method: 'PUT', path: name, body: 'text', headers });
});
after(async () => {
  await bed[Symbol.asyncDispose]();
  assert.deepEqual(bed.complaints, []);
});

interface Signed {
  readonly method: string;
  readonly path?: string;
  readonly signedPath?: string;
  readonly key?: string;
  readonly digest?: string;
  readonly expires?: number;
  readonly more?: string;
  readonly range?: string;
}

function urlOf(signed: Signed): string {
  const {
    method,
    path = '/v1/AUTH_sky/box/a/one.txt',
    key = 'whole',
    digest = 'sha256',
    expires = FUTURE,
  } = signed;
  const range = signed.range === undefined ? '' : `ip=${signed.range}\n`;
  const text = `${range}${method}\n${expires}\n${signed.signedPath ?? path}`;
  const signature = createHmac(digest, key).update(text).digest('hex');
  const address = signed.range === undefined ? '' : `&temp_url_ip_range=${encodeURIComponent(signed.range)}`;
  return `${path}?temp_url_sig=${signature}&temp_url_expires=${expires}${address}${signed.more ?? ''}`;
}

const send = (signed: Signed, method = signed.method, headers = {}) =>
  bed.send({ method, path: urlOf(signed), as: null, headers, ...(method === 'PUT' ? { body: 'new' } : {}) });

test('a URL for GET reads, with each digest and under each key, and HEAD goes with it', async () => {
  for (const digest of ['sha1', 'sha256', 'sha512']) {
    for (const key of ['whole', 'boxed'])
      assert.equal((await send({ method: 'GET', digest, key })).text, 'text');
  }
  const head = await send({ method: 'GET' }, 'HEAD');
  assert.equal(head.status, 200);
  assert.equal(head.headers['x-object-meta-secret'], undefined);
  assert.equal(head.headers['x-object-meta-public-colour'], 'blue');
  assert.match(String(head.headers['content-disposition']), /^attachment; filename="one.txt"/);
  assert.equal(head.headers['expires'], new Date(FUTURE * 1000).toUTCString());
  const named = await send({ method: 'GET', more: '&filename=a%20b&inline' });
  assert.equal(named.headers['content-disposition'], `inline; filename="a b"; filename*=UTF-8''a%20b`);
});

test('it does nothing else: no other method, object, key, time or address', async () => {
  const refused: [Signed, string?][] = [
    [{ method: 'GET' }, 'PUT'],
    [{ method: 'GET' }, 'DELETE'],
    [{ method: 'HEAD' }, 'GET'],
    [{ method: 'GET', signedPath: '/v1/AUTH_sky/box/b' }],
    [{ method: 'GET', key: 'wrong' }],
    [{ method: 'GET', path: '/v1/AUTH_sky/other/x', key: 'boxed' }],
    [{ method: 'GET', expires: FUTURE - 2000 }],
    [{ method: 'GET', range: '10.0.0.0/8' }],
    [{ method: 'GET', range: 'nonsense' }],
    [{ method: 'GET', path: '/v1/AUTH_sky/box' }],
    [{ method: 'GET', digest: 'md5' }],
  ];
  for (const [signed, method] of refused) {
    assert.equal((await send(signed, method)).status, 401, JSON.stringify([signed, method]));
  }
  assert.equal((await send({ method: 'GET', range: '127.0.0.0/8' })).status, 200);
  assert.equal(await bed.status({ path: 'box/b?temp_url_sig=1', as: null }), 401);
  assert.equal(await bed.status({ path: `box/b?temp_url_expires=${FUTURE}`, as: null }), 401);
});

test('a URL for a prefix opens what is below it, and no more', async () => {
  const signedPath = 'prefix:/v1/AUTH_sky/box/a';
  const more = '&temp_url_prefix=a';
  assert.equal((await send({ method: 'GET', signedPath, more })).text, 'text');
  assert.equal((await send({ method: 'GET', signedPath, more, path: '/v1/AUTH_sky/box/b' })).status, 401);
});

test('a URL for PUT writes, but neither a pointer to other data nor a copy of it', async () => {
  const path = '/v1/AUTH_sky/box/new';
  assert.equal((await send({ method: 'PUT', path })).status, 201);
  assert.equal((await bed.send({ path: 'box/new' })).text, 'new');
  const pointer = { 'X-Object-Manifest': 'other/x' };
  assert.equal((await send({ method: 'PUT', path }, 'PUT', pointer)).status, 400);
  // Whatever the key is good for: who may put one object is not to read the others.
  for (const source of ['/other/x', '/box/it'])
    for (const key of [{ key: 'boxed' }, {}]) {
      const copy = { method: 'PUT', path: urlOf({ method: 'PUT', path, ...key }), as: null };
      const headers = { 'X-Copy-From': source, 'Content-Length': '0' };
      assert.equal(await bed.status({ ...copy, headers }), 400);
    }
});
