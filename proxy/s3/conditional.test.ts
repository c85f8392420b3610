import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { openTestBed } from './s3-test-bed.ts';

const md5 = (text: string | Buffer) => createHash('md5').update(text).digest('hex');

test('a read that has nothing new to say answers 304, one whose condition fails 412', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  await bed.send({ method: 'PUT', path: '/box/key', body: 'one', headers: { 'Cache-Control': 'private' } });
  const etag = `"${md5('one')}"`;
  for (const method of ['GET', 'HEAD']) {
    const unchanged = await bed.send({ method, path: '/box/key', headers: { 'If-None-Match': etag } });
    assert.equal(unchanged.status, 304);
    assert.equal(unchanged.headers.etag, etag);
    assert.equal(unchanged.headers['cache-control'], 'private');
    assert.equal(unchanged.body.length, 0);
    const failed = await bed.send({ method, path: '/box/key', headers: { 'If-Match': '"other"' } });
    assert.equal(failed.status, 412);
    assert.equal(failed.body.length > 0, method === 'GET');
  }
});

test('writes: If-Match replaces only what it names, If-None-Match only nothing', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  const put = (body: string | Buffer, headers: Record<string, string>) =>
    bed.send({ method: 'PUT', path: '/box/key', body, headers });
  assert.equal((await put('x', { 'If-Match': '"x"' })).code, 'NoSuchKey');
  assert.equal((await put('one', { 'If-None-Match': '*' })).status, 200);
  assert.equal((await put('two', { 'If-None-Match': '*' })).code, 'PreconditionFailed');
  assert.equal((await put('two', { 'If-None-Match': '"etag"' })).code, 'NotImplemented');
  assert.equal((await put('two', { 'If-Match': '"wrong"' })).status, 412);
  assert.equal((await put('two', { 'If-Match': md5('one') })).status, 200);
  assert.equal((await put(randomBytes(200_000), { 'If-Match': md5('one') })).status, 412);
  assert.equal(bed.cluster.stripeCount, 0, 'a refused body leaves no stripe');
  const remove = (etag: string) =>
    bed.send({ method: 'DELETE', path: '/box/key', headers: { 'If-Match': etag } });
  assert.equal((await remove(md5('one'))).status, 412);
  assert.equal((await remove(md5('two'))).status, 204);
  assert.equal((await remove('*')).status, 412);
});

test('of forty racing creators exactly one wins, with small and with large bodies', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  for (const size of [100, 120_000]) {
    const path = `/box/raced-${size}`;
    const bodies = Array.from({ length: 40 }, () => randomBytes(size));
    const answers = await Promise.all(
      bodies.map((body) => bed.send({ method: 'PUT', path, body, headers: { 'If-None-Match': '*' } })),
    );
    const winners = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []));
    assert.equal(winners.length, 1);
    assert.ok(answers.every(({ status }) => status === 200 || status === 412));
    const got = await bed.send({ method: 'GET', path });
    assert.ok(got.body.equals(bodies[winners[0] ?? -1] ?? Buffer.alloc(0)));
  }
  assert.equal(bed.cluster.stripeCount, 2, "only the winner's stripes are left");
});

test('forty clients that each add one by compare-and-swap count to forty', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  await bed.send({ method: 'PUT', path: '/box/counter', body: '0' });
  const add = async () => {
    for (;;) {
      const read = await bed.send({ method: 'GET', path: '/box/counter' });
      const headers = { 'If-Match': String(read.headers.etag) };
      const body = String(Number(read.text) + 1);
      if ((await bed.send({ method: 'PUT', path: '/box/counter', body, headers })).status === 200) return;
    }
  };
  await Promise.all(Array.from({ length: 40 }, add));
  assert.equal((await bed.send({ method: 'GET', path: '/box/counter' })).text, '40');
});
