/** s3fs, as Debian ships it: a bucket as a folder, in which git works. Needs /dev/fuse. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RunningCluster } from './running-cluster.ts';

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('s3fs', () => {
  let cluster: RunningCluster;
  let mounted = false;
  const path = (...names: string[]) => join(cluster.folder, ...names);
  const git = (...args: string[]) => cluster.run('git', args);

  async function mount(): Promise<void> {
    const options = [
      `passwd_file=${path('passwd-s3fs')}`,
      `url=${cluster.endpoint}`,
      'endpoint=us-east-1',
      'use_path_request_style',
      // The test checks what the store holds, and not what s3fs remembers of it.
      'max_stat_cache_size=0',
    ];
    await cluster.run('s3fs', ['disk', 'disk', '-o', options.join(',')]);
    mounted = true;
  }

  async function unmount(): Promise<void> {
    if (!mounted) return;
    await cluster.run('fusermount', ['-u', 'disk']);
    mounted = false;
  }

  before(async () => {
    cluster = await RunningCluster.start(14_160);
    const { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey } = cluster.env;
    await writeFile(path('passwd-s3fs'), `${accessKey}:${secretKey}\n`, { mode: 0o600 });
    await writeFile(
      path('.gitconfig'),
      '[user]\n name = Ada\n email = ada@example.org\n[init]\n defaultBranch = main\n',
    );
    await cluster.aws('--endpoint-url', cluster.endpoint, 's3', 'mb', 's3://disk');
    await mkdir(path('disk'));
    await mount();
  });
  after(async () => {
    try {
      await unmount();
    } finally {
      await cluster[Symbol.asyncDispose]();
    }
  });

  test('git makes a repository on the bucket, commits, and another one is cloned from it', async () => {
    await git('init', '--quiet', 'disk/project');
    await writeFile(path('disk/project/story.txt'), 'once\n');
    await mkdir(path('disk/project/reels'));
    const reel = randomBytes(100_000);
    await writeFile(path('disk/project/reels/one.bin'), reel);
    await git('-C', 'disk/project', 'add', '.');
    await git('-C', 'disk/project', 'commit', '--quiet', '-m', 'first');
    await writeFile(path('disk/project/story.txt'), 'once\nupon a time\n');
    await git('-C', 'disk/project', 'commit', '--quiet', '-a', '-m', 'second');
    await git('-C', 'disk/project', 'fsck', '--full');
    await git('clone', '--quiet', 'disk/project', 'clone');
    assert.equal(await readFile(path('clone/story.txt'), 'utf8'), 'once\nupon a time\n');
    assert.equal(sha256(await readFile(path('clone/reels/one.bin'))), sha256(reel));
    assert.equal((await git('-C', 'clone', 'rev-list', '--count', 'HEAD')).stdout.trim(), '2');
  });

  test('after the next mount everything is there, and is what the S3 door shows', async () => {
    await unmount();
    await mount();
    assert.equal((await git('-C', 'disk/project', 'status', '--porcelain')).stdout, '');
    const cat = ['s3', 'cp', 's3://disk/project/story.txt', '-'];
    const { stdout } = await cluster.aws('--endpoint-url', cluster.endpoint, ...cat);
    assert.equal(stdout, 'once\nupon a time\n');
  });

  test('a large file is written, changed in the middle, renamed and read', async () => {
    const film = randomBytes(12 << 20);
    await writeFile(path('disk/film.mov'), film);
    const patch = randomBytes(1000);
    patch.copy(film, 6 << 20);
    await writeFile(path('patch'), patch);
    const seek = ['bs=1000', 'oflag=seek_bytes', `seek=${6 << 20}`, 'conv=notrunc', 'status=none'];
    await cluster.run('dd', ['if=patch', 'of=disk/film.mov', ...seek]);
    await rename(path('disk/film.mov'), path('disk/final.mov'));
    assert.equal((await stat(path('disk/final.mov'))).size, film.length);
    assert.deepEqual((await readdir(path('disk'))).toSorted(), ['final.mov', 'project']);
    await unmount();
    const copy = ['s3', 'cp', '--quiet', 's3://disk/final.mov', 'final.mov'];
    await cluster.aws('--endpoint-url', cluster.endpoint, ...copy);
    assert.equal(sha256(await readFile(path('final.mov'))), sha256(film));
  });
});
