/** curl uploads what tar, gzip and bzip2 packed, and deletes it by name: bulk operations as operators use them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RunningCluster } from './running-cluster.ts';

const FILES = 120;
let cluster: RunningCluster;
let token = '';
let account = '';
const file = (name: string) => join(cluster.folder, name);

async function curl(...args: string[]): Promise<string> {
  return (await cluster.run('curl', ['-sS', ...args])).stdout;
}

before(async () => {
  cluster = await RunningCluster.start(14_220);
  const { ST_AUTH = '', ST_USER = '', ST_KEY = '' } = cluster.env;
  const user = ['-H', `X-Auth-User: ${ST_USER}`, '-H', `X-Auth-Key: ${ST_KEY}`];
  const answer = await curl('-i', ...user, ST_AUTH);
  token = `X-Auth-Token: ${/^x-auth-token: (\S+)/im.exec(answer)?.[1]}`;
  account = /^x-storage-url: (\S+)/im.exec(answer)?.[1] ?? '';
  for (let index = 0; index < FILES; index += 1) {
    const folder = file(join('tree', `reel-${index % 3}`, 'ä b'));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${index}.txt`), randomBytes(index * 1013));
  }
});
after(() => cluster[Symbol.asyncDispose]());

for (const [form, flags] of [
  ['tar', '-cf'],
  ['tar.gz', '-czf'],
  ['tar.bz2', '-cjf'],
] as const) {
  test(`a tree packed as ${form} is uploaded in one request, is whole, and is deleted in another`, async () => {
    const archive = `tree.${form}`;
    await cluster.run('tar', [flags, archive, '-C', 'tree', '.']);
    const upload = ['-X', 'PUT', '-T', archive, '-H', token, '-H', 'Accept: application/json'];
    const report = JSON.parse(await curl(...upload, `${account}?extract-archive=${form}`)) as object;
    assert.deepEqual(report, {
      'Number Files Created': FILES,
      'Response Status': '201 Created',
      'Response Body': '',
      Errors: [],
    });
    for (const reel of ['reel-0', 'reel-1', 'reel-2']) {
      await cluster.run('swift', ['download', reel, '-D', join('back', form, reel)]);
    }
    await cluster.run('diff', ['-r', 'tree', join('back', form)]);
    const names: string[] = [];
    for (const reel of ['reel-0', 'reel-1', 'reel-2']) {
      const listed = (await cluster.run('swift', ['list', reel])).stdout.trim().split('\n');
      names.push(...listed.map((name) => encodeURI(`${reel}/${name}`)), reel);
    }
    await writeFile(file('names.txt'), names.join('\n'));
    const remove = [
      '-X',
      'POST',
      '-H',
      token,
      '-H',
      'Content-Type: text/plain',
      '--data-binary',
      '@names.txt',
    ];
    const removed = await curl(...remove, `${account}?bulk-delete`);
    assert.match(removed, /^Number Deleted: 123$/m);
    assert.match(removed, /^Response Status: 200 OK$/m);
    assert.equal((await cluster.run('swift', ['list'])).stdout, '');
  });
}
