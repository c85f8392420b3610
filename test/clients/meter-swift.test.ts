/** The media storage meter against OpenStack Swift, through both of its doors. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DebianSwift } from './debian-swift.ts';

const LAUNCHER = join(import.meta.dirname, '../../holdfast');
const PORT = 23_290;
const SHORT = ['--codec', 'proxy-hd', '--clip-length', '2s', '--duration', '2s', '--warmup', '500ms'];
const PATIENT = ['--pre-buffer', '100'];
/**
 * Its first five draws are stat, list, put, get and delete: a server that does few in the time has been asked for all. Four
 * of them start at once, and the fifth needs nothing of the others: their order is not the server's affair.
 */
const SEED_OF_ALL = 'every-379';

interface Result {
  readonly complete: boolean;
  readonly stopped: string | null;
  readonly framesTotal: number;
  readonly framesDropped: number;
  readonly invalidReasons: readonly string[];
  readonly healthy?: { readonly streams: number };
  readonly runs?: readonly { readonly operations?: readonly { readonly errors: number }[] }[];
}

let swift: DebianSwift;

before(async () => {
  swift = await DebianSwift.start(PORT);
});
after(() => swift[Symbol.asyncDispose]());

async function measure(mode: string, ...args: string[]): Promise<Result> {
  const json = join(swift.folder, 'result.json');
  const child = spawn(LAUNCHER, ['meter', mode, ...args, '--json', json], {
    env: { ...process.env, ...swift.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0, said);
  return JSON.parse(readFileSync(json, 'utf8')) as Result;
}

/** Neither content nor storage failed; whether this machine was quick enough is not asked. */
function isSound({ complete, stopped, invalidReasons }: Result): void {
  assert.ok(complete, stopped ?? '');
  assert.deepEqual(
    invalidReasons.filter((reason) => !reason.startsWith('meter-')),
    [],
  );
}

for (const target of ['swift://', 's3://'])
  test(`plays and records through its ${target}`, async () => {
    const patterns = ['--streams', '3', '--pattern', 'play,record,scrub'];
    const result = await measure('streams', '--target', target, ...patterns, ...PATIENT, ...SHORT);
    isSound(result);
    assert.equal(result.framesTotal, 3 * 50);
  });

test('finds how many streams it sustains', async () => {
  const bounds = ['--streams-max', '2', '--step-duration', '1s'];
  const result = await measure('search', '--target', 'swift://', ...bounds, ...PATIENT, ...SHORT);
  isSound(result);
  assert.ok((result.healthy?.streams ?? 0) > 0);
});

test('does every operation of a mix', async () => {
  const mix = ['--mix', 'get:1,put:1,delete:1,list:1,stat:1', '--objects', '20', '--size', '4k'];
  const result = await measure(
    'ops',
    '--target',
    'swift://',
    ...mix,
    '--duration',
    '3s',
    '--concurrency',
    '4',
    '--warmup',
    '0ms',
    '--seed',
    SEED_OF_ALL,
  );
  isSound(result);
  const rows = result.runs?.[0]?.operations ?? [];
  assert.equal(rows.length, 5);
  assert.ok(rows.every(({ errors }) => errors === 0));
});
