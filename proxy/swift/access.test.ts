/** Access lists: who may read, list and write a container, and what a browser of another origin is told. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { normalizeAcl } from './access/container-acl.ts';
import { bob, mia, openTestBed, root, type Sent, type TestBed } from './swift-test-bed.ts';

let bed: TestBed;
before(async () => {
  bed = await openTestBed();
});
after(async () => {
  await bed[Symbol.asyncDispose]();
  assert.deepEqual(bed.complaints, []);
});

/** A new container with one object, and a way to ask who gets what of it. */
async function container(name: string, headers: Record<string, string>) {
  await bed.send({ method: 'PUT', path: name, headers });
  await bed.send({ method: 'PUT', path: `${name}/a`, body: 'text' });
  const status = (sent: Omit<Sent, 'path'> & { readonly path?: string }) =>
    bed.status({ ...sent, path: `/v1/AUTH_sky/${name}${sent.path ?? ''}` });
  return {
    read: (as: Sent['as'], referer?: string) =>
      status({
        path: '/a',
        as: as ?? null,
        ...(referer === undefined ? {} : { headers: { Referer: referer } }),
      }),
    list: (as: Sent['as']) => status({ as: as ?? null }),
    write: (as: Sent['as']) => status({ method: 'PUT', path: '/b', as: as ?? null, body: 'new' }),
    change: (as: Sent['as'], more: Record<string, string>) =>
      status({ method: 'POST', as: as ?? null, headers: more }),
    remove: (as: Sent['as']) => status({ method: 'DELETE', as: as ?? null }),
  };
}

test('nobody else gets in where there is no list', async () => {
  const box = await container('closed', {});
  assert.deepEqual([await box.read(null), await box.list(null), await box.write(null)], [401, 401, 401]);
  for (const stranger of [bob, mia]) {
    const answers = [await box.read(stranger), await box.list(stranger), await box.write(stranger)];
    assert.deepEqual(answers, [403, 403, 403]);
  }
  assert.deepEqual([await box.read(root), await box.list(root), await box.write(root)], [200, 200, 201]);
});

test('a list names users and accounts, for reading or for writing', async () => {
  const box = await container('named', { 'X-Container-Read': 'sea:bob', 'X-Container-Write': ' sky:mia ,' });
  assert.deepEqual([await box.read(bob), await box.list(bob), await box.write(bob)], [200, 200, 403]);
  assert.deepEqual([await box.read(mia), await box.list(mia), await box.write(mia)], [403, 403, 201]);
  assert.equal(await box.change(mia, { 'X-Container-Meta-A': 'b' }), 403);
  assert.equal(await box.remove(mia), 403);
  const whole = await container('account-wide', { 'X-Container-Read': 'sea' });
  assert.equal(await whole.read(bob), 200);
});

test('referrers may read, list only with .rlistings, and the last that fits decides', async () => {
  const open = await container('open', { 'X-Container-Read': '.r:*' });
  assert.deepEqual([await open.read(null), await open.list(null)], [200, 401]);
  const listed = await container('listed', { 'X-Container-Read': '.r:*,.rlistings' });
  assert.deepEqual([await listed.read(null), await listed.list(null)], [200, 200]);
  const some = await container('some', { 'X-Container-Read': '.r:.example.com,.r:-thief.example.com' });
  assert.equal(await some.read(null), 401);
  assert.equal(await some.read(null, 'http://www.example.com/page'), 200);
  assert.equal(await some.read(null, 'http://thief.example.com/page'), 401);
  assert.equal(await some.read(null, 'http://notexample.com'), 401);
});

test('a list is stored in its normal form, and shown to its owner alone', async () => {
  await container('shown', { 'X-Container-Read': 'sea:bob , .referrer : *.example.com' });
  const own = await bed.send({ method: 'HEAD', path: 'shown' });
  assert.equal(own.headers['x-container-read'], 'sea:bob,.r:.example.com');
  const theirs = await bed.send({ method: 'HEAD', path: 'shown', as: bob });
  assert.equal(theirs.status, 204);
  assert.equal(theirs.headers['x-container-read'], undefined);
  for (const wrong of ['.r:', '.r:-', '.unknown:x'])
    assert.throws(() => normalizeAcl('x-container-read', wrong));
  assert.throws(() => normalizeAcl('x-container-write', '.r:*'));
  assert.equal(
    await bed.status({ method: 'POST', path: 'shown', headers: { 'X-Container-Write': '.r:*' } }),
    400,
  );
});

test('an account’s list gives three levels', async () => {
  const box = await container('levels', {});
  const give = (level: string) =>
    bed.send({
      method: 'POST',
      path: '',
      headers: { 'X-Account-Access-Control': JSON.stringify({ [level]: ['sea:bob'] }) },
    });
  const answers = async () => [
    await bed.status({ path: '', as: bob }),
    await box.read(bob),
    await box.write(bob),
    await box.change(bob, { 'X-Container-Meta-A': 'b' }),
    await bed.status({ method: 'POST', path: '', headers: { 'X-Account-Meta-A': 'b' }, as: bob }),
  ];
  await give('read-only');
  assert.deepEqual(await answers(), [200, 200, 403, 403, 403]);
  await give('read-write');
  assert.deepEqual(await answers(), [200, 200, 201, 204, 403]);
  // Only the account's own people may open a container to others.
  await box.change(bob, { 'X-Container-Read': '.r:*' });
  assert.equal(await box.read(null), 401);
  await give('admin');
  assert.deepEqual(await answers(), [200, 200, 201, 204, 204]);
});

test('a browser of an origin that the container lets in is told so, any other is not', async () => {
  const headers = {
    'X-Container-Meta-Access-Control-Allow-Origin': 'https://a.example https://b.example',
    'X-Container-Meta-Access-Control-Max-Age': '60',
    'X-Container-Meta-Access-Control-Expose-Headers': 'X-Object-Meta-Extra',
  };
  await container('cors', headers);
  const ask = (origin: string, method = 'PUT') =>
    bed.send({
      method: 'OPTIONS',
      path: 'cors/a',
      as: null,
      headers: { Origin: origin, 'Access-Control-Request-Method': method },
    });
  const allowed = await ask('https://a.example');
  assert.equal(allowed.status, 200);
  assert.equal(allowed.headers['access-control-allow-origin'], 'https://a.example');
  assert.equal(allowed.headers['access-control-max-age'], '60');
  assert.match(String(allowed.headers['access-control-allow-methods']), /PUT/);
  assert.equal((await ask('https://c.example')).status, 401);
  assert.equal((await ask('https://a.example', 'BREW')).status, 401);
  const read = await bed.send({ path: 'cors/a', headers: { Origin: 'https://b.example' } });
  assert.equal(read.headers['access-control-allow-origin'], 'https://b.example');
  assert.match(String(read.headers['access-control-expose-headers']), /x-object-meta-extra/);
  const other = await bed.send({ path: 'cors/a', headers: { Origin: 'https://c.example' } });
  assert.equal(other.headers['access-control-allow-origin'], undefined);
});

test('a container and an account take no more than their quotas', async () => {
  const limits = { 'X-Container-Meta-Quota-Bytes': '10', 'X-Container-Meta-Quota-Count': '2' };
  const put = (name: string, body: string) => bed.status({ method: 'PUT', path: `full/${name}`, body });
  await bed.send({ method: 'PUT', path: 'full', headers: limits });
  assert.deepEqual([await put('a', '12345678901'), await put('a', '1234567890')], [413, 201]);
  assert.deepEqual([await put('b', ''), await put('c', '')], [201, 413]);
  assert.equal(
    await bed.status({ method: 'PUT', path: 'x', headers: { 'X-Container-Meta-Quota-Bytes': '1k' } }),
    400,
  );
  const quota = { method: 'POST', path: '', headers: { 'X-Account-Meta-Quota-Bytes': '1' } };
  assert.equal(await bed.status(quota), 403);
  assert.equal(await bed.status({ ...quota, path: '/v1/AUTH_sky', as: root }), 204);
  assert.equal(await bed.status({ method: 'PUT', path: 'closed/more', body: 'x' }), 413);
  await bed.status({ ...quota, headers: { 'X-Account-Meta-Quota-Bytes': '' }, as: root });
});
