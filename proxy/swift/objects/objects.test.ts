import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ManualClock } from '#common/io/manual-clock.ts';
import { ada, bob, mia, openTestBed } from '../swift-test-bed.ts';

const md5 = (bytes: string | Buffer) => createHash('md5').update(bytes).digest('hex');

test('an object is put, read, described, changed and deleted', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: 'box' });
  const put = await bed.send({
    method: 'PUT',
    path: 'box/a%20b/gr%C3%BC%C3%9Fe.txt',
    body: 'hello',
    headers: {
      'X-Object-Meta-Colour': 'blue',
      'Content-Disposition': 'inline',
      ETag: `"${md5('hello').toUpperCase()}"`,
    },
  });
  assert.equal(put.status, 201);
  assert.equal(put.headers.etag, md5('hello'));
  const got = await bed.send({ path: 'box/a%20b/gr%C3%BC%C3%9Fe.txt' });
  assert.equal(got.status, 200);
  assert.equal(got.text, 'hello');
  assert.equal(got.headers['content-type'], 'text/plain');
  assert.equal(got.headers['x-object-meta-colour'], 'blue');
  assert.equal(got.headers['content-disposition'], 'inline');
  assert.equal(got.headers['last-modified'], put.headers['last-modified']);
  assert.match(String(got.headers['x-timestamp']), /^\d+\.\d{5}$/);
  const posted = await bed.send({
    method: 'POST',
    path: 'box/a%20b/gr%C3%BC%C3%9Fe.txt',
    headers: { 'X-Object-Meta-Shape': 'round' },
  });
  assert.equal(posted.status, 202);
  const head = await bed.send({ method: 'HEAD', path: 'box/a%20b/gr%C3%BC%C3%9Fe.txt' });
  assert.equal(head.headers['x-object-meta-colour'], undefined);
  assert.equal(head.headers['content-disposition'], undefined);
  assert.equal(head.headers['x-object-meta-shape'], 'round');
  assert.equal(head.headers['content-type'], 'text/plain');
  assert.equal(head.headers['content-length'], '5');
  assert.equal(await bed.status({ method: 'DELETE', path: 'box/a%20b/gr%C3%BC%C3%9Fe.txt' }), 204);
  assert.equal(await bed.status({ method: 'DELETE', path: 'box/a%20b/gr%C3%BC%C3%9Fe.txt' }), 404);
  assert.equal(await bed.status({ path: 'box/a%20b/gr%C3%BC%C3%9Fe.txt' }), 404);
  assert.deepEqual(bed.complaints, []);
});

test('a body of any size arrives, with its length told or in chunks', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: 'box' });
  for (const sizeBytes of [0, 1, 65_536, 65_537, 1_000_000]) {
    const body = randomBytes(sizeBytes);
    for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }]) {
      const put = await bed.send({ method: 'PUT', path: 'box/it', body, headers });
      assert.equal(put.headers.etag, md5(body));
      assert.equal(Buffer.compare((await bed.send({ path: 'box/it' })).body, body), 0);
    }
  }
});

test('what a PUT promises and does not keep is refused, and nothing is written', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: 'box' });
  const put = (headers: Record<string, string>, path = 'box/it') =>
    bed.send({ method: 'PUT', path, body: 'hello', headers });
  assert.equal((await put({ ETag: 'f'.repeat(32) })).status, 422);
  assert.equal((await put({ 'X-Delete-After': '*' })).text, 'Non-integer X-Delete-After');
  assert.equal((await put({ 'X-Delete-At': '0' })).text, 'X-Delete-At in past');
  assert.equal((await put({ 'If-None-Match': 'x' })).status, 400);
  assert.equal((await put({ 'X-Object-Meta-': 'x' })).status, 400);
  assert.equal((await put({ [`X-Object-Meta-${'n'.repeat(129)}`]: 'x' })).status, 400);
  assert.equal((await put({ 'X-Object-Meta-N': 'v'.repeat(257) })).status, 400);
  assert.equal((await put({ 'X-Static-Large-Object': 'True' })).status, 400);
  assert.equal((await put({ 'X-Object-Manifest': 'nothing' })).status, 400);
  assert.equal((await put({}, `box/${'n'.repeat(1025)}`)).status, 400);
  assert.equal((await put({}, 'box/n%00n')).status, 412);
  assert.equal((await put({}, 'nowhere/it')).status, 404);
  assert.equal((await put({ 'Content-Length': String(6 * 1024 ** 3) })).status, 413);
  assert.equal(await bed.status({ path: 'box/it' }), 404);
  assert.equal((await put({ 'If-None-Match': '*' })).status, 201);
  assert.equal((await put({ 'If-None-Match': '*' })).status, 412);
});

test('ranges: one, several, none that there is, and those of an object in stripes', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: 'box' });
  const body = randomBytes(300_000);
  await bed.send({ method: 'PUT', path: 'box/it', body, headers: { 'Content-Type': 'a/b; c=d' } });
  const ranged = (range: string) => bed.send({ path: 'box/it', headers: { Range: range } });
  const one = await ranged('bytes = 99990 - 200009');
  assert.equal(one.status, 206);
  assert.equal(one.headers['content-range'], 'bytes 99990-200009/300000');
  assert.equal(Buffer.compare(one.body, body.subarray(99_990, 200_010)), 0);
  const two = await ranged('bytes=0-4,150000-150002,900000-');
  assert.equal(two.status, 206);
  const boundary = /^multipart\/byteranges;boundary=([0-9a-f]+)$/.exec(
    two.headers['content-type'] ?? '',
  )?.[1];
  const parts = two.body.toString('latin1').split(`--${boundary}`);
  assert.deepEqual(parts, [
    '',
    `\r\nContent-Type: a/b; c=d\r\nContent-Range: bytes 0-4/300000\r\n\r\n${body.toString('latin1', 0, 5)}\r\n`,
    `\r\nContent-Type: a/b; c=d\r\nContent-Range: bytes 150000-150002/300000\r\n\r\n${body.toString('latin1', 150_000, 150_003)}\r\n`,
    '--',
  ]);
  const none = await ranged('bytes=300000-');
  assert.equal(none.status, 416);
  assert.equal(none.headers['content-range'], 'bytes */300000');
  assert.equal(none.headers.etag, md5(body));
  assert.equal((await ranged('lines=1-2')).status, 200);
  assert.equal((await ranged(`bytes=${'0-1,'.repeat(60)}0-1`)).body.length, 300_000);
});

test('conditions: each of them counts, and both answers name the object', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: 'box' });
  await bed.send({ method: 'PUT', path: 'box/it', body: 'it' });
  const read = (headers: Record<string, string>) => bed.send({ path: 'box/it', headers });
  const old = 'Sun, 06 Nov 1994 08:49:37 GMT';
  assert.equal((await read({ 'If-Match': md5('it') })).status, 200);
  const unchanged = await read({ 'If-None-Match': `"x", "${md5('it')}"` });
  assert.deepEqual([unchanged.status, unchanged.headers.etag], [304, md5('it')]);
  const failed = await read({ 'If-Match': 'x' });
  assert.deepEqual([failed.status, failed.headers.etag], [412, md5('it')]);
  assert.equal((await read({ 'If-Match': md5('it'), 'If-Unmodified-Since': old })).status, 412);
  assert.equal((await read({ 'If-Modified-Since': old })).status, 200);
});

test('copies: from both ends, across accounts, of a range, and onto themselves', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: 'box' });
  await bed.send({ method: 'PUT', path: '/v1/AUTH_sea/shore', as: bob });
  const body = randomBytes(200_000);
  const headers = { 'Content-Type': 'a/b', 'X-Object-Meta-A': '1', 'Content-Encoding': 'gzip' };
  await bed.send({ method: 'PUT', path: 'box/from%20here', body, headers });
  const copy = (more: Record<string, string>, path = 'box/from%20here') =>
    bed.send({ method: 'COPY', path, headers: more });
  const copied = await copy({ Destination: '/box/to%2Fhere', 'X-Object-Meta-B': '2' });
  assert.equal(copied.status, 201);
  assert.equal(copied.headers['x-copied-from'], 'box/from%20here');
  const there = await bed.send({ path: 'box/to/here' });
  assert.equal(Buffer.compare(there.body, body), 0);
  assert.deepEqual(
    ['x-object-meta-a', 'x-object-meta-b', 'content-type', 'content-encoding'].map(
      (name) => there.headers[name],
    ),
    ['1', '2', 'a/b', 'gzip'],
  );
  const put = {
    method: 'PUT',
    path: 'box/part',
    headers: { 'X-Copy-From': 'box/from%20here', Range: 'bytes=5-9' },
  };
  assert.equal((await bed.send(put)).headers.etag, md5(body.subarray(5, 10)));
  await copy({ Destination: 'box/from%20here', 'X-Fresh-Metadata': 'true', 'X-Object-Meta-C': '3' });
  const itself = await bed.send({ path: 'box/from%20here' });
  assert.deepEqual([itself.headers['x-object-meta-a'], itself.headers['x-object-meta-c']], [undefined, '3']);
  assert.equal(Buffer.compare(itself.body, body), 0);
  const across = { Destination: 'shore/it', 'Destination-Account': 'AUTH_sea' };
  assert.equal((await copy(across)).status, 403);
  await bed.send({
    method: 'POST',
    path: '/v1/AUTH_sea/shore',
    as: bob,
    headers: { 'X-Container-Write': 'sky:ada' },
  });
  assert.equal((await copy(across)).status, 201);
  assert.equal((await bed.send({ path: '/v1/AUTH_sea/shore/it', as: bob })).headers.etag, md5(body));
  assert.equal((await copy({})).status, 412);
  assert.equal((await copy({ Destination: 'nothing' })).status, 412);
  assert.equal((await copy({ Destination: 'nowhere/it' })).status, 404);
  assert.equal((await copy({ Destination: 'box/it' }, 'box/none')).status, 404);
  assert.deepEqual(bed.complaints, []);
});

test('a copy onto itself does not undo what came in between', async () => {
  await using bed = await openTestBed();
  for (const path of ['box', 'segments']) await bed.send({ method: 'PUT', path });
  await bed.send({ method: 'PUT', path: 'segments/it', body: 'of segments' });
  await bed.send({
    method: 'PUT',
    path: 'box/it',
    body: 'plain',
    headers: { 'X-Object-Meta-Of': 'the first' },
  });
  const { records } = bed.cluster;
  const mutate = records.mutate.bind(records);
  let isBetween = false;
  Object.assign(records, {
    mutate: async (...args: Parameters<typeof mutate>) => {
      if (isBetween) {
        isBetween = false;
        const body = JSON.stringify([{ path: 'segments/it' }]);
        await bed.send({ method: 'PUT', path: 'box/it?multipart-manifest=put', body });
      }
      return await mutate(...args);
    },
  });
  isBetween = true;
  const headers = { Destination: 'box/it', 'X-Object-Meta-More': 'of the copy' };
  assert.equal(await bed.status({ method: 'COPY', path: 'box/it', headers }), 201);
  const found = await bed.send({ path: 'box/it' });
  assert.equal(found.text, 'of segments');
  assert.equal(found.headers['x-object-meta-of'], undefined);
  assert.equal(found.headers['x-object-meta-more'], 'of the copy');
});

test('somebody without rights is told so, by whatever list there is', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: 'box' });
  await bed.send({ method: 'PUT', path: 'box/it', body: 'it' });
  assert.equal(await bed.status({ path: 'box/it', as: mia }), 403);
  assert.equal(await bed.status({ path: 'box/it', as: null }), 401);
  await bed.send({
    method: 'POST',
    path: 'box',
    headers: { 'X-Container-Read': '.r:*', 'X-Container-Write': 'sky:mia' },
  });
  assert.equal(await bed.status({ path: 'box/it', as: null }), 200);
  assert.equal(await bed.status({ method: 'PUT', path: 'box/its', body: '', as: null }), 401);
  assert.equal(await bed.status({ method: 'PUT', path: 'box/its', body: '', as: mia }), 201);
  assert.equal(await bed.status({ method: 'DELETE', path: 'box/its', as: bob }), 403);
  assert.equal(await bed.status({ method: 'DELETE', path: 'box/its', as: ada }), 204);
});

test('an object whose time is over is not there, whoever asks', async () => {
  const clock = new ManualClock(Date.now());
  await using bed = await openTestBed(undefined, clock);
  await bed.send({ method: 'PUT', path: 'box' });
  const now = Math.floor(clock.nowMs() / 1000);
  const soon = { 'X-Delete-At': String(now + 1) };
  assert.equal(await bed.status({ method: 'PUT', path: 'box/it', body: 'it', headers: soon }), 201);
  assert.equal(await bed.status({ path: 'box/it' }), 200);
  clock.advance(1000);
  for (const method of ['GET', 'HEAD', 'POST'])
    assert.equal(await bed.status({ method, path: 'box/it' }), 404);
  // A time that is now is not past yet.
  const absent = { 'If-None-Match': '*', ...soon };
  assert.equal(await bed.status({ method: 'PUT', path: 'box/it', body: 'new', headers: absent }), 201);
  assert.equal(
    (await bed.send({ method: 'COPY', path: 'box/it', headers: { Destination: 'box/other' } })).status,
    404,
  );
  assert.equal(await bed.status({ method: 'DELETE', path: 'box/it' }), 404);
  clock.advance(1000);
  assert.equal(await bed.status({ method: 'PUT', path: 'box/it', body: 'late', headers: soon }), 400);
  await bed.send({ method: 'PUT', path: 'box/it', body: 'it', headers: { 'X-Delete-After': '1000' } });
  const at = Number((await bed.send({ path: 'box/it' })).headers['x-delete-at']);
  assert.equal(at, now + 1002);
  const wrong = await bed.send({
    method: 'DELETE',
    path: 'box/it',
    headers: { 'X-If-Delete-At': String(at + 1) },
  });
  assert.equal(wrong.status, 412);
  assert.equal(
    await bed.status({ method: 'DELETE', path: 'box/it', headers: { 'X-If-Delete-At': String(at) } }),
    204,
  );
});
