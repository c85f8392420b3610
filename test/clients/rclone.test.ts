/** rclone copies a tree while a storage process is killed; nothing is lost, and no file differs. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RunningCluster } from './running-cluster.ts';

const SMALL_FILES = 1500;
const LARGE_FILE_BYTES = 96 << 20;

async function makeTree(folder: string): Promise<void> {
  for (let index = 0; index < SMALL_FILES; index += 1) {
    const directory = join(folder, `reel-${index % 25}`);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, `thumb-${index}.jpg`), randomBytes(500 + ((index * 37) % 20_000)));
  }
  await writeFile(join(folder, 'film.mov'), randomBytes(LARGE_FILE_BYTES));
}

for (const layout of ['together', 'apart'] as const)
  describe(`rclone, with devices and clients ${layout}`, () => {
    let cluster: RunningCluster;
    before(async () => {
      cluster = await RunningCluster.start(1300, `apart: ${layout === 'apart'}\n`);
      const remote = [
        '[hold]',
        'type = s3',
        'provider = Other',
        'env_auth = true',
        `endpoint = ${cluster.endpoint}`,
        'region = us-east-1',
        '',
      ];
      await writeFile(join(cluster.folder, 'rclone.conf'), remote.join('\n'));
    });
    after(() => cluster[Symbol.asyncDispose]());

    test('copies a tree while each process with devices is killed in turn, and check finds no difference', async () => {
      await makeTree(join(cluster.folder, 'tree'));
      const copying = cluster.run('rclone', ['copy', '--transfers', '8', 'tree', 'hold:archive/tree']);
      const storage = (await cluster.processes()).filter(({ role }) => role === 'storage');
      assert.equal(storage.length, layout === 'apart' ? 4 : 1);
      let copied = false;
      const done = copying.finally(() => {
        copied = true;
      });
      for (const { name } of storage) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        if (!copied) await cluster.kill(name);
      }
      await done;
      const check = await cluster.run('rclone', ['check', '--download', 'tree', 'hold:archive/tree']);
      assert.match(check.stderr, /0 differences found/);
      const counted = await cluster.run('rclone', ['size', '--json', 'hold:archive']);
      assert.equal((JSON.parse(counted.stdout) as { count: number }).count, SMALL_FILES + 1);
    });

    test('removes the tree', async () => {
      await cluster.run('rclone', ['purge', 'hold:archive/tree']);
      assert.equal((await cluster.run('rclone', ['lsf', 'hold:archive'])).stdout, '');
    });
  });
