/** `npm pack`: what is published works where it is installed, without sources and without development packages. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { finish, Foreground, ROOT } from './foreground.ts';
import { keysIn, s3 } from './s3-request.ts';

describe('the package', () => {
  let folder: string;
  let command: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-pack-'));
    const packed = await finish('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT });
    assert.equal(packed.code, 0, packed.stderr);
    const [tarball = ''] = readdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
    const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', join(folder, tarball)];
    const installed = await finish('npm', install, { cwd: folder });
    assert.equal(installed.code, 0, installed.stderr);
    command = join(folder, 'node_modules', '.bin', 'holdfast');
  });
  after(() => rmSync(folder, { recursive: true }));

  test('brings its command, and no development package', async () => {
    assert.match(
      (await finish(command, ['--version'], { cwd: folder })).stdout,
      /^holdfast \d+\.\d+\.\d+\n$/,
    );
    const packages = readdirSync(join(folder, 'node_modules'));
    for (const name of ['typescript', 'oxlint', 'fast-check', 'aws4'])
      assert.ok(!packages.includes(name), name);
    const own = readdirSync(join(folder, 'node_modules', 'holdfast'));
    for (const name of ['dist', 'docs', 'README.md', 'LICENSE', 'CHANGELOG.md'])
      assert.ok(own.includes(name), name);
    assert.ok(!own.includes('console'));
  });

  test('brings a cluster up that stores and gives back', async () => {
    await using up = new Foreground(command, ['up', '--port-offset', '13350'], { cwd: folder });
    await up.prints(/^holdfast: ready$/m);
    const keys = keysIn(join(folder, 'data', 'credentials', 'admin.env'));
    assert.equal((await s3(keys, 'PUT', '/films')).status, 200);
    // Longer than what a record holds: it goes through the digest workers and becomes a blob.
    const body = 'holdfast '.repeat(200_000);
    assert.equal((await s3(keys, 'PUT', '/films/long', body)).status, 200);
    assert.equal(await (await s3(keys, 'GET', '/films/long')).text(), body);
    let status = await finish(command, ['status'], { cwd: folder });
    for (let tries = 0; tries < 60 && !status.stdout.includes('1024 healthy'); tries += 1)
      status = await finish(command, ['status'], { cwd: folder });
    assert.match(status.stdout, /1024 healthy/);
    assert.equal(await up.stop(), 0);
    assert.match(up.output, /^holdfast: stopped$/m);
  });

  test('measures, completes, and says that it has no tests', async () => {
    assert.equal((await finish(command, ['bench', 'load', '--help'], { cwd: folder })).code, 0);
    assert.match(
      (await finish(command, ['completion', 'bash'], { cwd: folder })).stdout,
      /complete -F _holdfast/,
    );
    assert.equal((await finish(command, ['test'], { cwd: folder })).code, 3);
  });
});
