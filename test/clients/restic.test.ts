/** restic, as Debian ships it: backups that are checked, restored, thinned out and restored again. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RunningCluster } from './running-cluster.ts';

const SMALL_FILES = 200;

describe('restic', () => {
  let cluster: RunningCluster;
  const restic = (...args: string[]) => cluster.run('restic', ['--quiet', ...args]);

  before(async () => {
    cluster = await RunningCluster.start(14_140);
    cluster.env['RESTIC_REPOSITORY'] = `s3:${cluster.endpoint}/backups`;
    cluster.env['RESTIC_PASSWORD'] = 'correct horse';
    cluster.env['RESTIC_CACHE_DIR'] = join(cluster.folder, 'cache');
    const tree = join(cluster.folder, 'tree');
    for (let index = 0; index < SMALL_FILES; index += 1) {
      await mkdir(join(tree, `reel-${index % 7}`), { recursive: true });
      await writeFile(join(tree, `reel-${index % 7}`, `thumb-${index}`), randomBytes(200 + index * 31));
    }
    await writeFile(join(tree, 'film.mov'), randomBytes(24 << 20));
  });
  after(() => cluster[Symbol.asyncDispose]());

  /** The digests of all files below a folder, by name; equal when the trees are. */
  async function digests(folder: string): Promise<string> {
    const program = 'find . -type f -print0 | sort -z | xargs -0 sha256sum';
    const { stdout } = await cluster.run('sh', ['-c', `cd '${folder}' && ${program}`]);
    return stdout;
  }

  test('backs a tree up, checks every byte of the repository, and restores the tree', async () => {
    await restic('init');
    await restic('backup', 'tree');
    await restic('check', '--read-data');
    await restic('restore', 'latest', '--target', 'restored');
    assert.equal(await digests('restored/tree'), await digests('tree'));
  });

  test('forgets and prunes what is old; what is left is whole', async () => {
    await rm(join(cluster.folder, 'tree', 'film.mov'));
    await writeFile(join(cluster.folder, 'tree', 'take-2.mov'), randomBytes(6 << 20));
    await restic('backup', 'tree');
    const rawBytes = async () => {
      const { stdout } = await cluster.run('restic', ['stats', '--json', '--mode', 'raw-data']);
      return (JSON.parse(stdout) as { total_size: number }).total_size;
    };
    const before = await rawBytes();
    await restic('forget', '--keep-last', '1', '--prune');
    assert.ok((await rawBytes()) < before - (20 << 20), 'the film is gone from the repository');
    await restic('check', '--read-data');
    const snapshots = JSON.parse((await cluster.run('restic', ['snapshots', '--json'])).stdout) as object[];
    assert.equal(snapshots.length, 1);
    await restic('restore', 'latest', '--target', 'restored-again');
    assert.equal(await digests('restored-again/tree'), await digests('tree'));
  });

  test('two backups at the same time hurt neither each other nor the repository', async () => {
    await Promise.all([
      restic('backup', '--tag', 'a', 'tree'),
      restic('backup', '--tag', 'b', 'restored/tree'),
    ]);
    await restic('check');
    const { stdout } = await cluster.run('restic', ['snapshots', '--json']);
    assert.equal((JSON.parse(stdout) as object[]).length, 3);
  });
});
