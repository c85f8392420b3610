/** The media storage meter against a cluster of ours, through both doors, and against a folder. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RunningCluster } from './running-cluster.ts';

interface Result {
  readonly schema: string;
  readonly complete: boolean;
  readonly stopped: string | null;
  readonly streams: number;
  readonly framesTotal: number;
  readonly framesLate: number;
  readonly invalidReasons: readonly string[];
  readonly healthy?: { readonly streams: number };
  readonly during?: { readonly streams: number; readonly command: string };
  readonly steps?: readonly {
    readonly phase: string;
    readonly fault: { readonly exitCode: number | null } | null;
  }[];
}

let cluster: RunningCluster;

before(async () => {
  cluster = await RunningCluster.start(2300);
});
after(() => cluster[Symbol.asyncDispose]());

async function measure(...args: string[]): Promise<Result> {
  const json = join(cluster.folder, 'result.json');
  await cluster.holdfast('meter', ...args, '--json', json);
  return JSON.parse(readFileSync(json, 'utf8')) as Result;
}

const SHORT = ['--codec', 'dv25', '--clip-length', '2s', '--duration', '2s', '--warmup', '500ms'];

for (const target of ['s3://', 'swift://'])
  test(`plays and records through ${target}, every byte right, and leaves nothing`, async () => {
    const patterns = ['--streams', '6', '--pattern', 'play,record,edits,reverse,scrub,multicam'];
    const result = await measure('streams', '--target', target, ...patterns, '--pre-buffer', '100', ...SHORT);
    assert.ok(result.complete, result.stopped ?? '');
    assert.ok(!result.invalidReasons.includes('content-failed'));
    assert.equal(result.framesTotal, 6 * 50);
    assert.equal((await cluster.run('swift', ['list'])).stdout, '');
  });

test('recordings that are given up at their first late frame leave no segment', async () => {
  // Without a buffer every frame is late.
  const recording = ['--pattern', 'record', '--pre-buffer', '0', '--streams-max', '2'];
  const result = await measure('search', '--target', 'swift://', ...recording, ...SHORT);
  assert.equal(result.stopped, null);
  assert.equal(result.streams, 0);
  assert.equal((await cluster.run('swift', ['list'])).stdout, '');
});

test('a sequence of frames is an object each, read while it is recorded', async () => {
  const growing = ['--pattern', 'growing', '--behind', '1s', '--layout', 'sequence'];
  const result = await measure('streams', '--target', 's3://', ...growing, ...SHORT);
  assert.ok(result.complete, result.stopped ?? '');
  assert.equal(result.framesTotal, 2 * 50);
});

test('a search finds some streams, and some while a storage process is killed', async () => {
  const { pid } = (await cluster.processes()).find(({ role }) => role === 'storage') ?? { pid: 0 };
  assert.notEqual(pid, 0);
  const bounds = ['--streams-max', '4', '--step-duration', '1s', '--pre-buffer', '75'];
  // The supervisor starts it again: from the second step on there is no such process any more, and that is no fault.
  const fault = ['--during', `kill -9 ${pid} || true`];
  const result = await measure('search', '--target', 's3://', ...bounds, ...fault, ...SHORT);
  assert.ok(result.complete, result.stopped ?? '');
  assert.ok((result.healthy?.streams ?? 0) >= 1);
  assert.ok(result.during !== undefined && result.during.streams >= 0);
  assert.ok(result.steps?.some(({ phase, fault: outcome }) => phase === 'during' && outcome?.exitCode === 0));
});

test('operations of every kind succeed through both doors', async () => {
  for (const target of ['s3://', 'swift://']) {
    const mix = ['--mix', 'get:4,put:3,delete:1,stat:2,list:1', '--size', '1k:5,100k:2', '--objects', '20'];
    const result = await measure('ops', '--target', target, ...mix, '--duration', '1s', '--warmup', '200ms');
    assert.ok(result.complete, result.stopped ?? '');
  }
  assert.equal((await cluster.run('swift', ['list'])).stdout, '');
});

test('a folder is measured, and tables are made of it, as it was before', async () => {
  const folder = join(cluster.folder, 'edit');
  mkdirSync(folder);
  const result = await measure(
    'streams',
    '--target',
    folder,
    '--streams',
    '3',
    '--pattern',
    'play,growing',
    ...SHORT,
  );
  assert.ok(result.complete, result.stopped ?? '');
  await measure(
    'classic',
    '--target',
    folder,
    '--files',
    '3',
    '--create',
    '1m',
    '--duration',
    '1s',
    '--remove',
  );
  assert.deepEqual(readdirSync(folder), []);
});

test('wrong credentials and a full disk are told in one line', async () => {
  cluster.env['AWS_SECRET_ACCESS_KEY'] += 'x';
  const refused = await cluster.attempt(join(import.meta.dirname, '../../holdfast'), [
    ...['meter', 'streams', '--target', 's3://', ...SHORT],
  ]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^holdfast meter streams: .*(SignatureDoesNotMatch|403)[^\n]*\n$/);
  // A limit on the size of a file stands for a disk that ends there.
  const launcher = join(import.meta.dirname, '../../holdfast');
  const limited = `ulimit -f 2000; trap '' XFSZ; exec ${launcher} meter streams --target ${cluster.folder} ${SHORT.join(' ')}`;
  const full = await cluster.attempt('bash', ['-c', limited]);
  assert.equal(full.code, 1);
  assert.match(full.stderr, /^holdfast meter streams: [^\n]*\n$/);
});
