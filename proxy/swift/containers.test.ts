/** Containers: made, described, listed and removed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createBucket } from '#proxy/buckets/create-bucket.ts';
import { bob, openTestBed, root, type TestBed } from './swift-test-bed.ts';

let bed: TestBed;
before(async () => {
  bed = await openTestBed();
});
after(async () => {
  await bed[Symbol.asyncDispose]();
  assert.deepEqual(bed.complaints, []);
});

const put = (path: string, headers: Record<string, string> = {}) =>
  bed.status({ method: 'PUT', path, headers });
const head = (path: string) => bed.send({ method: 'HEAD', path });
const lines = (text: string) => text.split('\n').filter((line) => line !== '');

test('a container is made once, kept when made again, and removed', async () => {
  assert.equal(await put('box'), 201);
  assert.equal(await put('box'), 202);
  const answer = await head('box');
  assert.equal(answer.status, 204);
  assert.equal(answer.headers['x-container-object-count'], '0');
  assert.equal(answer.headers['x-container-bytes-used'], '0');
  assert.equal(answer.headers['x-storage-policy'], 'default');
  assert.match(String(answer.headers['x-timestamp']), /^\d{10}\.\d{5}$/);
  assert.equal(await bed.status({ method: 'DELETE', path: 'box' }), 204);
  assert.equal(await bed.status({ method: 'DELETE', path: 'box' }), 404);
  assert.equal((await head('box')).status, 404);
});

test('names that S3 has no bucket of, and names that are none', async () => {
  for (const name of ['A_B', 'x', '%E2%98%83', 'a'.repeat(256), 'with%20space'])
    assert.equal(await put(name), 201);
  assert.equal(await put('a'.repeat(257)), 400);
  assert.equal((await head('a'.repeat(257))).status, 404);
  const { text } = await bed.send({ path: '' });
  assert.deepEqual(lines(text), ['A_B', 'a'.repeat(256), 'with space', 'x', '☃']);
  for (const name of lines(text)) {
    assert.equal(await bed.status({ method: 'DELETE', path: encodeURIComponent(name) }), 204);
  }
});

test('a container that another account’s bucket shadows is its owner’s to reach', async () => {
  const { principal } = bob;
  await createBucket(bed.context.buckets, principal, 'popular');
  assert.equal(await put('popular', { 'X-Container-Meta-Whose': 'ada' }), 201);
  assert.equal((await head('popular')).headers['x-container-meta-whose'], 'ada');
  const theirs = await bed.send({ method: 'HEAD', path: '/v1/AUTH_sea/popular', as: bob });
  assert.equal(theirs.headers['x-container-meta-whose'], undefined);
  assert.equal(await bed.status({ method: 'HEAD', path: '/v1/AUTH_all/popular', as: root }), 404);
  assert.equal(await bed.status({ method: 'DELETE', path: 'popular' }), 204);
  assert.equal(await bed.status({ method: 'HEAD', path: '/v1/AUTH_sea/popular', as: bob }), 204);
});

test('metadata is added to, replaced and removed, and kept within the limits', async () => {
  await put('meta', { 'X-Container-Meta-Colour': 'blue', 'X-Container-Meta-Shape': 'round' });
  const post = (headers: Record<string, string>) => bed.status({ method: 'POST', path: 'meta', headers });
  assert.equal(await post({ 'X-Container-Meta-Colour': 'red', 'X-Remove-Container-Meta-Shape': 'x' }), 204);
  const { headers } = await head('meta');
  assert.equal(headers['x-container-meta-colour'], 'red');
  assert.equal(headers['x-container-meta-shape'], undefined);
  assert.equal(await post({ 'X-Container-Meta-Colour': '' }), 204);
  assert.equal((await head('meta')).headers['x-container-meta-colour'], undefined);

  assert.equal(await post({ [`X-Container-Meta-${'n'.repeat(128)}`]: 'v' }), 204);
  assert.equal(await post({ [`X-Container-Meta-${'n'.repeat(129)}`]: 'v' }), 400);
  assert.equal(await post({ 'X-Container-Meta-V': 'v'.repeat(256) }), 204);
  assert.equal(await post({ 'X-Container-Meta-V': 'v'.repeat(257) }), 400);
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`X-Container-Meta-N${index}`, 'v']));
  assert.equal(await put('many', many(90)), 201);
  assert.equal(await put('many', many(91)), 400);
  assert.equal(
    await bed.status({ method: 'POST', path: 'many', headers: { 'X-Container-Meta-One-More': '1' } }),
    400,
  );
  assert.equal(
    await bed.status({ method: 'POST', path: 'none', headers: { 'X-Container-Meta-A': 'b' } }),
    404,
  );
});

test('a policy that there is none of is refused', async () => {
  assert.equal(await put('policed', { 'X-Storage-Policy': 'default' }), 201);
  assert.equal(await put('policed', { 'X-Storage-Policy': 'gold' }), 400);
});

test('an account lists its containers in three forms', async () => {
  const get = (query: string, headers = {}) => bed.send({ path: `/v1/AUTH_sea?${query}`, as: bob, headers });
  for (const name of ['a', 'b', 'c-1', 'c-2']) {
    assert.equal(await bed.status({ method: 'PUT', path: `/v1/AUTH_sea/${name}`, as: bob }), 201);
  }
  await bed.status({ method: 'DELETE', path: '/v1/AUTH_sea/popular', as: bob });
  const names = async (query: string) => lines((await get(query)).text);
  assert.deepEqual(await names(''), ['a', 'b', 'c-1', 'c-2']);
  assert.deepEqual(await names('limit=2'), ['a', 'b']);
  assert.deepEqual(await names('marker=b'), ['c-1', 'c-2']);
  assert.deepEqual(await names('end_marker=b'), ['a']);
  assert.deepEqual(await names('prefix=c'), ['c-1', 'c-2']);
  assert.deepEqual(await names('reverse=on&limit=3'), ['c-2', 'c-1', 'b']);
  assert.deepEqual(await names('delimiter=-'), ['a', 'b', 'c-']);
  assert.equal((await get('limit=0')).status, 204);
  assert.equal((await get('limit=10001')).status, 412);
  const json = JSON.parse((await get('format=json&limit=1')).text) as Record<string, unknown>[];
  assert.deepEqual(Object.keys(json[0] ?? {}), ['name', 'count', 'bytes', 'last_modified']);
  const xml = await get('limit=1', { Accept: 'application/xml' });
  assert.match(
    xml.text,
    /^<\?xml .*\?>\n<account name="AUTH_sea"><container><name>a<\/name><count>0<\/count>/,
  );
  assert.equal(xml.headers['content-type'], 'application/xml; charset=utf-8');
  assert.equal((await get('', { Accept: 'image/png' })).status, 406);
  const { headers } = await bed.send({ method: 'HEAD', path: '/v1/AUTH_sea', as: bob });
  assert.equal(headers['x-account-container-count'], '4');
});

test('account metadata and access lists are kept, and shown to those who may see them', async () => {
  const post = (headers: Record<string, string>) => bed.status({ method: 'POST', path: '', headers });
  assert.equal(await post({ 'X-Account-Meta-Temp-Url-Key': 'k', 'X-Account-Meta-A': 'b' }), 204);
  assert.equal(await post({ 'X-Account-Access-Control': '{"read-only":["sea:bob"]}' }), 204);
  const own = (await head('')).headers;
  assert.equal(own['x-account-meta-temp-url-key'], 'k');
  assert.equal(own['x-account-access-control'], '{"read-only":["sea:bob"]}');
  const seen = await bed.send({ method: 'HEAD', path: '', as: bob });
  assert.equal(seen.status, 204);
  assert.equal(seen.headers['x-account-meta-a'], 'b');
  assert.equal(seen.headers['x-account-meta-temp-url-key'], undefined);
  assert.equal(seen.headers['x-account-access-control'], undefined);
  for (const wrong of ['x', '[]', '{"king":[]}', '{"admin":"me"}', '{"admin":[1]}']) {
    assert.equal(await post({ 'X-Account-Access-Control': wrong }), 400, wrong);
  }
  assert.equal(await post({ 'X-Account-Access-Control': '{}' }), 204);
  assert.equal(await bed.status({ method: 'HEAD', path: '', as: bob }), 403);
});
