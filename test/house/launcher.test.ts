/** The launcher: from anywhere, through links, and on a machine that lacks something. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { finish, LAUNCHER, ROOT } from './foreground.ts';

describe('the launcher', () => {
  let folder: string;
  let version: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-launcher-'));
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    version = `holdfast ${manifest.version}\n`;
  });
  after(() => rm(folder, { recursive: true }));

  test('works from any directory and through a chain of links, relative ones too', async () => {
    await mkdir(join(folder, 'bin'));
    await symlink(LAUNCHER, join(folder, 'direct'));
    await symlink('../direct', join(folder, 'bin', 'holdfast'));
    for (const path of [LAUNCHER, join(folder, 'direct'), join(folder, 'bin', 'holdfast'), './bin/holdfast'])
      assert.deepEqual(await finish(path, ['--version'], { cwd: folder }), {
        code: 0,
        stdout: version,
        stderr: '',
      });
  });

  test('says what is missing on a machine without Node, or with an old one', async () => {
    const tools = join(folder, 'tools');
    await mkdir(tools);
    for (const tool of ['sh', 'dirname', 'readlink', 'cat', 'npm']) {
      const found = execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
      await symlink(found, join(tools, tool));
    }
    const env = { PATH: tools };
    const without = await finish(LAUNCHER, ['--version'], { env });
    assert.equal(without.code, 3);
    assert.match(without.stderr, /Node\.js 20 or newer and npm are needed/);

    await writeFile(join(tools, 'node'), '#!/bin/sh\ncase $1 in -p) echo 18 ;; *) echo v18.20.0 ;; esac\n');
    await chmod(join(tools, 'node'), 0o755);
    const old = await finish(LAUNCHER, ['--version'], { env });
    assert.equal(old.code, 3);
    assert.match(old.stderr, /Node\.js 20 or newer is needed, and .*node is v18/);
  });

  test('installs what a fresh clone lacks, once, although two start at the same time', async () => {
    const clone = join(folder, 'clone');
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    for (const file of listed.split('\0').filter((name) => name !== '')) {
      await mkdir(dirname(join(clone, file)), { recursive: true });
      // Others may be editing the tree: a file that has just gone is none of ours.
      await cp(join(ROOT, file), join(clone, file)).catch(() => {});
    }
    // What npm has of earlier installations it takes without asking: the registry may be slow, or out of reach.
    const env = { ...process.env, npm_config_prefer_offline: 'true' };
    const start = () => finish(join(clone, 'holdfast'), ['--version'], { cwd: folder, env });
    const both = await Promise.all([start(), start()]);
    for (const { code, stdout, stderr } of both) assert.deepEqual([code, stdout], [0, version], stderr);
    const installing = both.filter(({ stderr }) => stderr.includes('installing what it needs'));
    assert.equal(installing.length, 1);
    const third = await start();
    assert.deepEqual(third, { code: 0, stdout: version, stderr: '' });
  });
});
