import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { bob, mia, openTestBed, type TestBed } from '../swift-test-bed.ts';

type Member = readonly [header: Partial<Header> & { name: string }, body?: string | Buffer];

async function tar(...members: readonly Member[]): Promise<Buffer> {
  const packed = pack();
  for (const [header, body] of members) packed.entry(header, body ?? '');
  packed.finalize();
  return buffer(packed);
}

interface Report {
  readonly status: string;
  readonly created: number;
  readonly body: string;
  readonly errors: unknown;
}

async function upload(bed: TestBed, path: string, form: string, body: Buffer): Promise<Report> {
  const answer = await bed.send({
    method: 'PUT',
    path: `${path}?extract-archive=${form}`,
    body,
    headers: { Accept: 'application/json', 'X-Object-Meta-From': 'archive' },
  });
  assert.equal(answer.status, 200);
  const report = JSON.parse(answer.text) as Record<string, unknown>;
  return {
    status: String(report['Response Status']),
    created: Number(report['Number Files Created']),
    body: String(report['Response Body']),
    errors: report['Errors'],
  };
}

test('every file of an archive becomes an object, plain or compressed', async () => {
  await using bed = await openTestBed();
  const large = Buffer.alloc(400_000, 'abcdefg');
  const archive = await tar(
    [{ name: './photos/', type: 'directory' }],
    [{ name: './photos/one.txt' }, 'one'],
    [{ name: `photos/${'long/'.repeat(40)}name` }, 'deep'],
    [
      {
        name: 'films/two',
        pax: { 'SCHILY.xattr.user.mime_type': 'a/b', 'SCHILY.xattr.user.meta.colour': 'blue' },
      },
      large,
    ],
    [{ name: 'top' }, 'has no container'],
  );
  const forms = [
    ['tar', archive],
    ['tar.gz', gzipSync(archive)],
    ['.tar.bz2', execFileSync('bzip2', ['--stdout'], { input: archive })],
  ] as const;
  for (const [form, body] of forms) {
    const report = await upload(bed, '/v1/AUTH_sky', form, body);
    assert.deepEqual(report, { status: '201 Created', created: 3, body: '', errors: [] }, form);
    assert.equal((await bed.send({ path: 'photos/one.txt' })).text, 'one');
    const two = await bed.send({ path: 'films/two' });
    assert.equal(Buffer.compare(two.body, large), 0);
    const shown = ['content-type', 'x-object-meta-colour', 'x-object-meta-from'].map(
      (name) => two.headers[name],
    );
    assert.deepEqual(shown, ['a/b', 'blue', 'archive']);
    const names = (await bed.send({ path: 'photos' })).text.trim().split('\n');
    const answer = await bed.send({
      method: 'POST',
      path: '/v1/AUTH_sky?bulk-delete',
      body: ['films/two', ...names.map((name) => `photos/${name}`), 'films', '/photos'].join('\n'),
    });
    assert.match(answer.text, /^Number Deleted: 5$/m);
  }
  const below = await upload(bed, 'box/sub', 'tar', await tar([{ name: 'top' }, 'now it has']));
  assert.equal(below.created, 1);
  assert.equal((await bed.send({ path: 'box/sub/top' })).text, 'now it has');
  assert.deepEqual(bed.complaints, []);
});

test('a hostile archive does no harm, and what is sound in it is stored', async () => {
  await using bed = await openTestBed();
  const archive = await tar(
    [{ name: 'box/sound' }, 'sound'],
    [{ name: '../../etc/passwd' }, 'up'],
    [{ name: 'box/a/../../b' }, 'up'],
    [{ name: '/box/absolute' }, 'kept below'],
    [{ name: 'box/link', type: 'symlink', linkname: '/etc/passwd' }],
    [{ name: 'box/hard', type: 'link', linkname: '/etc/passwd' }],
    [{ name: 'box/null', type: 'character-device', devmajor: 1, devminor: 3 }],
    [{ name: 'box/disk', type: 'block-device', devmajor: 8, devminor: 0 }],
    [{ name: 'box/pipe', type: 'fifo' }],
    [{ name: `box/${'n'.repeat(1025)}` }, 'too long'],
    [{ name: `${'c'.repeat(300)}/n` }, 'too long'],
    // Its report is cut in the middle of a character.
    [{ name: `box/${'m'.repeat(1277)}😀` }, 'too long'],
    [{ name: 'box/sparse', pax: { 'GNU.sparse.major': '1' } }, 'holes'],
  );
  const report = await upload(bed, '/v1/AUTH_sky', 'tar', archive);
  assert.equal(report.status, '400 Bad Request');
  assert.equal(report.created, 2);
  const names = (report.errors as [string, string][]).map(([name]) => name.slice(0, 20));
  assert.deepEqual(names, [
    '../../etc/passwd',
    'box/a/../../b',
    `box/${'n'.repeat(16)}`,
    'c'.repeat(20),
    'c'.repeat(20),
    `box/${'m'.repeat(16)}`,
    'box/sparse',
  ]);
  assert.equal((await bed.send({ path: 'box' })).text, 'absolute\nsound\n');
  assert.equal((await bed.send({ path: '/v1/AUTH_sky' })).text, 'box\n');
});

test('an archive that is broken, truncated or a bomb ends with a report', async () => {
  await using bed = await openTestBed();
  const archive = await tar([{ name: 'box/one' }, 'one'], [{ name: 'box/two' }, Buffer.alloc(200_000, 'x')]);
  const packed = execFileSync('bzip2', ['--stdout'], { input: archive });
  const broken = [
    ['tar', archive.subarray(0, 100_000)],
    ['tar.gz', gzipSync(archive).subarray(0, 200)],
    ['tar.bz2', packed.subarray(0, packed.length - 20)],
    ['tar.gz', archive],
    ['tar.bz2', archive],
    ['tar', Buffer.alloc(5000, 'q')],
  ] as const;
  for (const [form, body] of broken) {
    const report = await upload(bed, '/v1/AUTH_sky', form, body);
    assert.equal(report.status, '400 Bad Request', form);
    assert.match(report.body, /^Invalid Tar File: /, form);
  }
  const zeros = (await tar([{ name: 'box/zeros', size: 0 }])).subarray(0, 512);
  // A member's size of 8 GiB, in base 256; the archive itself is 100 MB of zeros.
  zeros.fill(0, 124, 136).writeUInt8(0x80, 124);
  zeros.writeUInt32BE(2, 128);
  zeros.fill(' ', 148, 156);
  const sum = zeros.reduce((total, byte) => total + byte, 0);
  zeros.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const bomb = gzipSync(Buffer.concat([zeros, Buffer.alloc(100_000_000)]));
  const report = await upload(bed, '/v1/AUTH_sky', 'tar.gz', bomb);
  assert.equal(report.status, '400 Bad Request');
  assert.match(report.body, /unpacks to far more/);
  assert.equal(await bed.status({ path: 'box/zeros' }), 404);
  const empty = await upload(bed, '/v1/AUTH_sky', 'tar', Buffer.alloc(1024));
  assert.equal(empty.body, 'Invalid Tar File: No Valid Files');
  assert.equal(await bed.status({ method: 'PUT', path: '/v1/AUTH_sky?extract-archive=zip', body: '' }), 400);
});

test('a bulk operation does what its sender may do, and tells of the rest', async () => {
  await using bed = await openTestBed();
  const archive = await tar([{ name: 'box/one' }, 'one']);
  const path = '/v1/AUTH_sky?extract-archive=tar';
  assert.equal(await bed.status({ method: 'PUT', path, body: archive, as: null }), 401);
  const strange = await bed.send({ method: 'PUT', path, body: archive, as: bob });
  assert.match(strange.text, /^box, 403 Forbidden$/m);
  await bed.send({ method: 'PUT', path: 'box', headers: { 'X-Container-Write': 'sky:mia' } });
  const given = await bed.send({ method: 'PUT', path, body: archive, as: mia });
  assert.match(given.text, /^Response Status: 201 Created$/m);
  await bed.send({ method: 'PUT', path: 'mine' });
  const remove = (body: string, headers: Record<string, string> = {}) =>
    bed.send({ method: 'POST', path: '/v1/AUTH_sky?bulk-delete', as: mia, body, headers });
  const removed = await remove('box/one\n\nbox/none\nmine\nb%C3\nbox\n', { Accept: 'application/xml' });
  assert.match(removed.text, /<number_deleted>1<\/number_deleted>\n<number_not_found>1<\/number_not_found>/);
  assert.match(removed.text, /<name>mine<\/name><status>403 Forbidden<\/status>/);
  assert.match(removed.text, /<name>b%25C3<\/name><status>412 Precondition Failed<\/status>/);
  assert.equal((await remove('x'.repeat(10_000))).status, 400);
  assert.equal((await remove('a\n'.repeat(10_001))).status, 413);
  assert.equal((await remove('[]', { 'Content-Type': 'application/json' })).status, 406);
  assert.match((await remove('\n')).text, /^Response Body: Invalid bulk delete\.$/m);
});

test('more archives than are unpacked at a time are sent away, and taken later', async () => {
  await using bed = await openTestBed();
  const archive = await tar([{ name: 'box/one' }, 'one']);
  const sent = { method: 'PUT', path: '/v1/AUTH_sky?extract-archive=tar', body: archive };
  const taken = Array.from({ length: 32 }, () => bed.context.bulkUploads.take());
  assert.equal(await bed.status(sent), 503);
  taken[0]?.[Symbol.dispose]();
  assert.match((await bed.send(sent)).text, /^Response Status: 201 Created$/m);
});
