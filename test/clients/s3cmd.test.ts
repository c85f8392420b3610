/** s3cmd, as Debian ships it: a folder kept in step, a film in parts, and what it may not do. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RunningCluster } from './running-cluster.ts';

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('s3cmd', () => {
  let cluster: RunningCluster;
  const s3cmd = (...args: string[]) => cluster.run('s3cmd', ['--no-progress', ...args]);
  const path = (...names: string[]) => join(cluster.folder, ...names);

  before(async () => {
    cluster = await RunningCluster.start(14_120);
    const host = cluster.endpoint.replace('http://', '');
    const settings = [
      '[default]',
      `access_key = ${cluster.env['AWS_ACCESS_KEY_ID']}`,
      `secret_key = ${cluster.env['AWS_SECRET_ACCESS_KEY']}`,
      `host_base = ${host}`,
      `host_bucket = ${host}`,
      'use_https = False',
      '',
    ];
    await writeFile(path('.s3cfg'), settings.join('\n'), { mode: 0o600 });
  });
  after(() => cluster[Symbol.asyncDispose]());

  test('makes a bucket, puts a film in parts, and gets it back byte for byte', async () => {
    const film = randomBytes(22 << 20);
    await writeFile(path('film.mov'), film);
    await s3cmd('mb', 's3://films');
    await s3cmd('put', '--multipart-chunk-size-mb=5', 'film.mov', 's3://films/raw/film.mov');
    await s3cmd('get', 's3://films/raw/film.mov', 'back.mov');
    assert.equal(sha256(await readFile(path('back.mov'))), sha256(film));
    const listed = await s3cmd('ls', '--list-md5', 's3://films/raw/');
    assert.match(listed.stdout, /23068672 .* s3:\/\/films\/raw\/film\.mov/);
    const whole = createHash('md5').update(film).digest('hex');
    const told = await s3cmd('info', 's3://films/raw/film.mov');
    assert.ok(told.stdout.includes(whole), 'the MD5 that s3cmd keeps beside an upload in parts comes back');
  });

  test('resumes a download that was cut off', async () => {
    const clip = randomBytes(300_000);
    await writeFile(path('clip'), clip);
    await s3cmd('put', 'clip', 's3://films/clip');
    await writeFile(path('clip-back'), clip.subarray(0, 100_000));
    await s3cmd('get', '--continue', 's3://films/clip', 'clip-back');
    assert.equal(sha256(await readFile(path('clip-back'))), sha256(clip));
  });

  test('keeps a folder in step, awkward names and removals included', async () => {
    const names = ['plain.txt', 'with space.txt', 'ümlaut +&%.txt', "quote'.txt", 'a/b/c.txt', '日本語.txt'];
    for (const name of names) {
      await mkdir(path('tree', name, '..'), { recursive: true });
      await writeFile(path('tree', name), `content of ${name}`);
    }
    await s3cmd('mb', 's3://tree');
    await s3cmd('sync', 'tree/', 's3://tree/copy/');
    const again = await s3cmd('sync', 'tree/', 's3://tree/copy/');
    assert.doesNotMatch(again.stdout, /upload:/, 'what is there already is not sent again');
    await rm(path('tree', 'plain.txt'));
    await writeFile(path('tree', 'a/b/c.txt'), 'changed');
    await s3cmd('sync', '--delete-removed', 'tree/', 's3://tree/copy/');
    await mkdir(path('tree-back'));
    await s3cmd('sync', 's3://tree/copy/', 'tree-back/');
    for (const name of names.slice(1)) {
      const expected = name === 'a/b/c.txt' ? 'changed' : `content of ${name}`;
      assert.equal(await readFile(path('tree-back', name), 'utf8'), expected);
    }
    await assert.rejects(readFile(path('tree-back', 'plain.txt')), { code: 'ENOENT' });
  });

  test('copies, moves, removes one, removes all, and removes the bucket', async () => {
    await s3cmd('cp', 's3://films/clip', 's3://films/copy of clip');
    await s3cmd('mv', 's3://films/copy of clip', 's3://films/moved');
    const listed = await s3cmd('ls', 's3://films');
    assert.match(listed.stdout, /s3:\/\/films\/moved/);
    assert.doesNotMatch(listed.stdout, /copy of clip/);
    await s3cmd('del', 's3://films/moved');
    const refused = await cluster.attempt('s3cmd', ['rb', 's3://films']);
    assert.match(refused.stderr, /BucketNotEmpty/);
    await s3cmd('del', '--recursive', '--force', 's3://films');
    await s3cmd('rb', 's3://films');
    assert.doesNotMatch((await s3cmd('ls')).stdout, /s3:\/\/films/);
  });

  test('signs URLs as it was done before 2014, and is told plainly that this is over', async () => {
    await s3cmd('put', 'clip', 's3://tree/clip');
    const url = (await s3cmd('signurl', 's3://tree/clip', '+60')).stdout.trim();
    assert.match(url, /[?&]AWSAccessKeyId=/);
    const answer = await cluster.run('curl', ['-s', '-w', '%{http_code}', url]);
    assert.match(answer.stdout, /<Code>InvalidRequest<\/Code>.*AWS4-HMAC-SHA256.*400$/s);
  });
});
