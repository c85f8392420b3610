import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { bob, mia, openTestBed, type TestBed } from '../swift-test-bed.ts';

const md5 = (bytes: string | Buffer) => createHash('md5').update(bytes).digest('hex');

/** Three segments: one in the record, two in stripes. */
async function withSegments(bed: TestBed): Promise<Buffer[]> {
  const segments = [randomBytes(100), randomBytes(150_000), randomBytes(250_000)];
  for (const path of ['box', 'box_segments']) await bed.send({ method: 'PUT', path });
  for (const [index, body] of segments.entries()) {
    await bed.send({ method: 'PUT', path: `box_segments/it/${index}`, body });
  }
  return segments;
}

const manifestOf = (segments: readonly Buffer[]) =>
  segments.map((body, index) => ({
    path: `/box_segments/it/${index}`,
    etag: md5(body),
    size_bytes: body.length,
  }));

const putStatic = (bed: TestBed, path: string, manifest: unknown, headers: Record<string, string> = {}) =>
  bed.send({
    method: 'PUT',
    path: `${path}?multipart-manifest=put`,
    body: typeof manifest === 'string' ? manifest : JSON.stringify(manifest),
    headers,
  });

test('a dynamic large object is whatever its prefix names now', async () => {
  await using bed = await openTestBed();
  const segments = await withSegments(bed);
  const headers = { 'X-Object-Manifest': 'box_segments/it/', 'Content-Type': 'a/b' };
  await bed.send({ method: 'PUT', path: 'box/it', body: '', headers });
  const whole = Buffer.concat(segments);
  const got = await bed.send({ path: 'box/it' });
  assert.equal(Buffer.compare(got.body, whole), 0);
  assert.equal(got.headers.etag, `"${md5(segments.map((body) => md5(body)).join(''))}"`);
  assert.equal(got.headers['content-type'], 'a/b');
  const part = await bed.send({ path: 'box/it', headers: { Range: 'bytes=90-150200' } });
  assert.equal(part.status, 206);
  assert.equal(Buffer.compare(part.body, whole.subarray(90, 150_201)), 0);
  await bed.send({ method: 'PUT', path: 'box_segments/it/3', body: 'more' });
  assert.equal(
    (await bed.send({ method: 'HEAD', path: 'box/it' })).headers['content-length'],
    String(whole.length + 4),
  );
  assert.equal((await bed.send({ path: 'box/it?multipart-manifest=get' })).text, '');
  await bed.send({ method: 'POST', path: 'box', headers: { 'X-Container-Read': 'sky:mia' } });
  assert.equal(await bed.status({ path: 'box/it', as: mia }), 403, 'the segments are not hers');
});

test('a static large object is its segments, however they are nested, and ranges of it', async () => {
  await using bed = await openTestBed();
  const segments = await withSegments(bed);
  const whole = Buffer.concat(segments);
  const etag = md5(segments.map((body) => md5(body)).join(''));
  const put = await putStatic(bed, 'box/it', manifestOf(segments), { ETag: etag, 'Content-Type': 'a/b' });
  assert.deepEqual([put.status, put.headers.etag], [201, `"${etag}"`]);
  const got = await bed.send({ path: 'box/it' });
  assert.equal(Buffer.compare(got.body, whole), 0);
  assert.deepEqual([got.headers['x-static-large-object'], got.headers['content-type']], ['True', 'a/b']);
  const outer = [
    { path: '/box/it', range: '-1000' },
    { data: Buffer.from('inline').toString('base64') },
    { path: '/box/it', range: '50-149' },
  ];
  assert.equal((await putStatic(bed, 'box/outer', outer)).status, 201);
  const expected = Buffer.concat([whole.subarray(-1000), Buffer.from('inline'), whole.subarray(50, 150)]);
  assert.equal(Buffer.compare((await bed.send({ path: 'box/outer' })).body, expected), 0);
  const several = await bed.send({ path: 'box/outer', headers: { Range: 'bytes=0-1,998-1007' } });
  assert.equal(several.status, 206);
  assert.ok(several.body.includes(expected.subarray(998, 1008)));
  const copied = await bed.send({ method: 'COPY', path: 'box/outer', headers: { Destination: 'box/plain' } });
  assert.equal(copied.headers.etag, md5(expected));
  const listing = JSON.parse((await bed.send({ path: 'box?format=json' })).text) as Record<string, unknown>[];
  const listed = listing.find(({ name }) => name === 'it');
  assert.deepEqual([listed?.['bytes'], listed?.['slo_etag']], [whole.length, `"${etag}"`]);
  const manifest = await bed.send({ path: 'box/it?multipart-manifest=get' });
  assert.equal(listed?.['hash'], md5(manifest.body));
  const raw = JSON.parse((await bed.send({ path: 'box/it?multipart-manifest=get&format=raw' })).text);
  assert.deepEqual(raw, manifestOf(segments));
  assert.deepEqual(bed.complaints, []);
});

test('a manifest that is not true is refused, with what is wrong', async () => {
  await using bed = await openTestBed();
  const segments = await withSegments(bed);
  const [first] = manifestOf(segments);
  const refused = async (manifest: unknown, headers: Record<string, string> = {}) => {
    const answer = await putStatic(bed, 'box/it', manifest, headers);
    return [answer.status, answer.text] as const;
  };
  assert.deepEqual(await refused('{'), [400, 'Manifest must be valid JSON.\n']);
  assert.deepEqual(await refused({}), [400, 'Manifest must be a list.\n']);
  assert.deepEqual(await refused([7, { path: 'box' }, { path: '/box/it' }, { path: 'a/b', teag: 1 }]), [
    400,
    'Index 0: not a JSON object\n' +
      'Index 1: path does not refer to an object. Path must be of the form /container/object.\n' +
      'Index 2: manifest must not include itself as a segment\n' +
      'Index 3: extraneous keys "teag"\n',
  ]);
  assert.deepEqual(
    await refused([{ ...first, etag: 'x' }, { ...first, size_bytes: 7 }, { path: 'no/where' }]),
    [
      400,
      'Errors:\nbox_segments/it/0, Etag Mismatch\nbox_segments/it/0, Size Mismatch\nno/where, 404 Not Found\n',
    ],
  );
  assert.equal((await refused([{ data: 'aGVsbG8=' }]))[0], 400);
  assert.equal((await refused([first], { ETag: 'x' }))[0], 422);
  assert.equal((await refused(Array.from({ length: 1001 }, () => first)))[0], 413);
  assert.equal(await bed.status({ path: 'box/it' }), 404);
});

test('a segment that has changed, or that the reader may not see, is a conflict', async () => {
  await using bed = await openTestBed();
  const segments = await withSegments(bed);
  await putStatic(bed, 'box/it', manifestOf(segments));
  await bed.send({ method: 'POST', path: 'box', headers: { 'X-Container-Read': 'sky:mia' } });
  assert.equal(await bed.status({ path: 'box/it', as: mia }), 409);
  await bed.send({ method: 'PUT', path: 'box_segments/it/0', body: 'other' });
  assert.equal(await bed.status({ path: 'box/it' }), 409);
  assert.equal(
    await bed.status({ path: 'box/it', headers: { Range: 'bytes=100-' } }),
    206,
    'the others are there',
  );
  await bed.send({ method: 'DELETE', path: 'box_segments/it/1' });
  await assert.rejects(
    bed.send({ path: 'box/it', headers: { Range: 'bytes=99-' } }).then(({ status }) => {
      if (status !== 206) throw new Error(`answered with ${status}`);
    }),
  );
});

test('a static large object is deleted with its segments, or without', async () => {
  await using bed = await openTestBed();
  const segments = await withSegments(bed);
  await putStatic(bed, 'box/inner', manifestOf(segments));
  await putStatic(bed, 'box/outer', [{ path: 'box/inner' }, { path: 'box_segments/it/0' }]);
  const path = 'box/outer?multipart-manifest=delete';
  assert.equal(await bed.status({ method: 'DELETE', path, as: bob }), 403);
  const deleted = await bed.send({ method: 'DELETE', path, headers: { Accept: 'application/json' } });
  const report = JSON.parse(deleted.text) as Record<string, unknown>;
  assert.deepEqual(
    [report['Response Status'], report['Number Deleted'], report['Errors']],
    ['200 OK', 5, []],
  );
  for (const gone of ['box/outer', 'box/inner', 'box_segments/it/2'])
    assert.equal(await bed.status({ path: gone }), 404);
  await bed.send({ method: 'PUT', path: 'box/plain', body: 'it' });
  const plain = await bed.send({ method: 'DELETE', path: 'box/plain?multipart-manifest=delete' });
  assert.match(plain.text, /^box\/plain, Not an SLO manifest$/m);
  assert.equal(await bed.status({ path: 'box/plain' }), 200);
});
