/** The media storage meter against nginx, as Debian ships it: a web server that it can only read, in a folder that it can fill. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const PORT = 23_280;
const SERVER = `http://127.0.0.1:${PORT}/`;
const LAUNCHER = join(import.meta.dirname, '../../holdfast');
const CODEC = ['--codec', 'dv25', '--clip-length', '2s', '--duration', '2s', '--warmup', '500ms'];
const PATIENT = ['--pre-buffer', '75'];

interface Result {
  readonly complete: boolean;
  readonly stopped: string | null;
  readonly framesTotal: number;
  readonly invalidReasons: readonly string[];
  readonly healthy?: { readonly streams: number };
}

let folder: string;
let nginx: ChildProcess;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-nginx-'));
  mkdirSync(join(folder, 'data'));
  mkdirSync(join(folder, 'temporary'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/temporary/${kind};`)
    .join(' ');
  writeFileSync(
    join(folder, 'nginx.conf'),
    `user root; daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http { access_log off; sendfile on; ${temporary} server { listen 127.0.0.1:${PORT}; root ${folder}/data; } }
`,
  );
  const args = ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', join(folder, 'error.log')];
  nginx = spawn('nginx', args, { stdio: 'ignore' });
  for (let tries = 0; (await fetch(SERVER).catch(() => undefined)) === undefined; tries += 1) {
    assert.ok(tries < 100, 'nginx does not answer');
    await sleep(100);
  }
});

after(async () => {
  const exit = once(nginx, 'exit');
  nginx.kill('SIGTERM');
  await exit;
  rmSync(folder, { recursive: true });
});

function measure(mode: string, ...args: string[]): Result {
  const json = join(folder, 'result.json');
  const ended = spawnSync(LAUNCHER, ['meter', mode, '--target', SERVER, ...args, '--json', json], {
    encoding: 'utf8',
  });
  assert.ok(ended.status === 0 || ended.status === 1, ended.stderr);
  return JSON.parse(readFileSync(json, 'utf8')) as Result;
}

test('plays what it has laid into the folder, every byte right, and leaves nothing there', () => {
  const result = measure(
    'streams',
    '--write-at',
    join(folder, 'data'),
    '--streams',
    '4',
    ...PATIENT,
    ...CODEC,
  );
  assert.ok(result.complete, result.stopped ?? '');
  assert.ok(!result.invalidReasons.includes('content-failed'));
  assert.equal(result.framesTotal, 4 * 50);
  assert.deepEqual(readdirSync(join(folder, 'data')), []);
});

test('a search finds how many it sustains', () => {
  const bounds = ['--streams-max', '3', '--step-duration', '1s'];
  const result = measure('search', '--write-at', join(folder, 'data'), ...bounds, ...PATIENT, ...CODEC);
  assert.ok(result.complete, result.stopped ?? '');
  assert.ok((result.healthy?.streams ?? 0) >= 1);
});

test('without the folder it says that it can only read, in one line', () => {
  const ended = spawnSync(
    LAUNCHER,
    ['meter', 'streams', '--target', SERVER, '--pattern', 'record', ...CODEC],
    {
      encoding: 'utf8',
    },
  );
  assert.notEqual(ended.status, 0);
  assert.match(ended.stderr, /^holdfast meter[^\n]*\n$/);
});
