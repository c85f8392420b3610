import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { filesCompliance } from './files.compliance.ts';
import { MemoryFiles } from './memory-files.ts';
import { realFiles } from './real-files.ts';
import { seededRandomness } from './seeded-randomness.ts';

filesCompliance({
  name: 'real',
  make: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-files-'));
    return { files: realFiles(), folder, remove: () => rm(folder, { recursive: true }) };
  },
});

filesCompliance({
  name: 'memory',
  make: async () => {
    const files = new MemoryFiles();
    await files.makeDirectory('/disk');
    return { files, folder: '/disk', remove: async () => undefined };
  },
});

const SEEDS = 200;

async function contentOf(files: MemoryFiles, path: string): Promise<string | undefined> {
  if (!(await files.exists(path))) return undefined;
  const file = await files.open(path, 'read');
  const into = Buffer.alloc(await file.size());
  await file.read(into, 0, into.length, 0);
  return into.toString();
}

test('a power loss keeps what was synced, and anything of the rest', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const disk = new MemoryFiles();
    const file = await disk.open('/a', 'create');
    await file.write([Buffer.alloc(600, 'x')], 0);
    await file.sync();
    await disk.syncDirectory('/');
    await file.write([Buffer.alloc(1200, 'y')], 600);
    await file.write([Buffer.alloc(10, 'z')], 0);
    const after = (await contentOf(disk.crash(seededRandomness(seed)), '/a')) ?? '';
    assert.match(after.slice(0, 10), /^(x{10}|z{1,9}x{1,9}|z{10})$/, `seed ${seed}`);
    assert.match(after.slice(10, 600), /^x+$/, `seed ${seed}`);
    assert.match(after.slice(600), /^[y\0]*$/, `seed ${seed}`);
    outcomes.add(after);
  }
  assert.ok(outcomes.size > 10);
});

test('a name is durable when its folder is synced; a rename never loses both names', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const disk = new MemoryFiles();
    await disk.makeDirectory('/d');
    const file = await disk.open('/old', 'create');
    await file.write([Buffer.from('body')], 0);
    await file.sync();
    await disk.syncDirectory('/');
    await disk.rename('/old', '/d/new');
    await disk.open('/loose', 'create');
    const after = disk.crash(seededRandomness(seed));
    const names = [await contentOf(after, '/old'), await contentOf(after, '/d/new')];
    assert.ok(names.includes('body'), `seed ${seed}: ${String(names)}`);
    outcomes.add(`${names.join()} ${String(await after.exists('/loose'))}`);
  }
  assert.ok(outcomes.size >= 4, [...outcomes].join('; '));
});

test('a process that is killed leaves everything written, and no more durable than it was', async () => {
  const disk = new MemoryFiles();
  const file = await disk.open('/a', 'create');
  await disk.syncDirectory('/');
  await file.write([Buffer.from('loose')], 0);
  const restarted = disk.restart();
  await assert.rejects(file.sync(), { code: 'EIO' });
  assert.equal(await contentOf(restarted, '/a'), 'loose');
  let lost = 0;
  for (let seed = 1; seed <= 20; seed += 1) {
    const again = restarted.restart();
    if ((await contentOf(again.crash(seededRandomness(seed)), '/a')) === '') lost += 1;
  }
  assert.ok(lost > 0);
});

test('what a failed sync covered is read as written, and no later sync makes it durable', async () => {
  const disk = new MemoryFiles();
  const file = await disk.open('/a', 'create');
  await disk.syncDirectory('/');
  await file.write([Buffer.from('lost')], 0);
  disk.fail({ call: 'sync', nth: 1, how: 'EIO' });
  await assert.rejects(file.sync(), { code: 'EIO' });
  assert.equal(await contentOf(disk, '/a'), 'lost');
  await file.sync();
  assert.equal(await contentOf(disk.crash(seededRandomness(1)), '/a'), '');
});

test('what is written through is durable at once, and nothing of what was written before', async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const disk = new MemoryFiles();
    const file = await disk.open('/a', 'create');
    await disk.syncDirectory('/');
    await file.write([Buffer.from('loose')], 0);
    await file.writeThrough([Buffer.from('kept')], 5);
    const after = (await contentOf(disk.crash(seededRandomness(seed)), '/a')) ?? '';
    assert.match(after, /^[loose\0]{5}kept$/, `seed ${seed}`);
    outcomes.add(after.slice(0, 5));
  }
  assert.ok(outcomes.has('loose') && outcomes.size > 1, [...outcomes].join('; '));
});

test('a write through whose sync fails makes the next sync fail, too, and is lost', async () => {
  const disk = new MemoryFiles();
  const file = await disk.open('/a', 'create');
  await disk.syncDirectory('/');
  disk.fail({ call: 'sync', nth: 1, how: 'ENOSPC' });
  await assert.rejects(file.writeThrough([Buffer.from('lost')], 0), { code: 'ENOSPC' });
  await assert.rejects(file.sync(), { code: 'ENOSPC' });
  await file.sync();
  assert.equal(await contentOf(disk.crash(seededRandomness(1)), '/a'), '');
});

test('a disk in memory refuses a write through over what has not been synced', async () => {
  const disk = new MemoryFiles();
  const file = await disk.open('/a', 'create');
  await file.write([Buffer.from('loose')], 0);
  await assert.rejects(file.writeThrough([Buffer.from('x')], 4), /overlaps/);
  await file.writeThrough([Buffer.from('y')], 5);
  await file.truncate(5);
  await assert.rejects(file.writeThrough([Buffer.from('z')], 5), /overlaps/);
  await file.sync();
  await file.writeThrough([Buffer.from('z')], 5);
});

test('a disk in memory fails the call that it was told to', async () => {
  const disk = new MemoryFiles();
  const file = await disk.open('/a', 'create');
  disk.fail({ call: 'write', nth: 2, how: 'EROFS' });
  await file.write([Buffer.from('1234')], 0);
  await assert.rejects(file.write([Buffer.from('5678')], 4), { code: 'EROFS' });
  assert.equal(await file.size(), 6);
  disk.fail({ call: 'sync', path: '/a', nth: 1, how: 'EIO' });
  await assert.rejects(file.sync(), { code: 'EIO' });
  disk.fail({ call: 'read', nth: 1, how: 'short' });
  assert.equal(await file.read(Buffer.alloc(6), 0, 6, 0), 3);
  disk.totalBytes = 8;
  await assert.rejects(file.write([Buffer.alloc(10)], 0), { code: 'ENOSPC' });
  disk.flip('/a', 0, 1);
  assert.equal(await contentOf(disk, '/a'), '323456');
  disk.haltAt(disk.calls + 2);
  await disk.exists('/a');
  await assert.rejects(disk.exists('/a'), { code: 'EIO' });
});
