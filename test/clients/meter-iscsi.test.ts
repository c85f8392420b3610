/** The meter's initiator against the Linux SCSI target framework (Debian's tgt), with and without CHAP. Needs root. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const PORT = 23260;
const CONTROL = '23260';
const UNIT_BYTES = 64 * 2 ** 20;
const LAUNCHER = join(import.meta.dirname, '../../holdfast');
const OPEN = 'iqn.2026-11.org.holdfast:open';
const LOCKED = 'iqn.2026-11.org.holdfast:locked';

let folder: string;
let daemon: ChildProcess;

function administer(...args: string[]): number | null {
  return spawnSync('tgtadm', ['-C', CONTROL, '--lld', 'iscsi', ...args], { stdio: 'pipe' }).status;
}

function addTarget(number: number, name: string): void {
  const tid = ['--tid', String(number)];
  const image = join(folder, `${number}.img`);
  writeFileSync(image, '');
  truncateSync(image, UNIT_BYTES);
  assert.equal(administer('--mode', 'target', '--op', 'new', ...tid, '-T', name), 0);
  assert.equal(administer('--mode', 'logicalunit', '--op', 'new', ...tid, '--lun', '1', '-b', image), 0);
  assert.equal(administer('--mode', 'target', '--op', 'bind', ...tid, '-I', 'ALL'), 0);
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-tgt-'));
  mkdirSync('/var/run/tgtd', { recursive: true });
  daemon = spawn('tgtd', ['-f', '-C', CONTROL, '--iscsi', `portal=127.0.0.1:${PORT}`], { stdio: 'ignore' });
  for (let tries = 0; administer('--mode', 'sys', '--op', 'show') !== 0; tries++) {
    assert.ok(tries < 100, 'tgtd does not answer');
    await sleep(100);
  }
  addTarget(1, OPEN);
  addTarget(2, LOCKED);
  const account = ['--mode', 'account', '--op'];
  assert.equal(administer(...account, 'new', '--user', 'editor', '--password', 'a long secret'), 0);
  assert.equal(administer(...account, 'bind', '--tid', '2', '--user', 'editor'), 0);
});

after(() => {
  daemon.kill('SIGKILL');
  for (const name of [`socket.${CONTROL}`, `socket.${CONTROL}.lock`])
    rmSync(join('/var/run/tgtd', name), { force: true });
  rmSync(folder, { recursive: true });
});

async function streams(target: string, env: Record<string, string>, ...more: string[]) {
  const url = `iscsi://127.0.0.1:${PORT}/${target}/1`;
  const options = [
    '--codec',
    'dv25',
    '--duration',
    '1s',
    '--warmup',
    '0ms',
    '--clip-length',
    '1s',
    '--pre-buffer',
    '100',
  ];
  const args = ['meter', 'streams', '--target', url, '--overwrite', ...options, ...more];
  const child = spawn(LAUNCHER, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

test('a logical unit is played and recorded, every byte right', async () => {
  const patterns = ['--streams', '5', '--pattern', 'play,reverse,scrub,growing,record', '--sync', 'each'];
  const { code, out, err } = await streams(OPEN, {}, ...patterns, '--behind', '500ms');
  assert.equal(code, 0, err);
  assert.match(out, /6 streams of dv25 for 1 s: \d+ late of 150 frames/);
  assert.doesNotMatch(out, /mismatch|×/);
});

test('CHAP lets in who knows the secret, and nobody else', async () => {
  const right = { ISCSI_CHAP_USER: 'editor', ISCSI_CHAP_SECRET: 'a long secret' };
  assert.equal((await streams(LOCKED, right)).code, 0);
  const wrong = await streams(LOCKED, { ...right, ISCSI_CHAP_SECRET: 'another secret' });
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /^holdfast meter streams: .*refuses the login[^\n]*\n$/);
  const nobody = await streams(LOCKED, {});
  assert.equal(nobody.code, 1);
  assert.equal(nobody.err.trim().split('\n').length, 1, nobody.err);
});

test('a target that is not there, and a unit that is too small, are told in one line', async () => {
  const missing = await streams('iqn.2026-11.org.holdfast:none', {});
  assert.equal(missing.code, 1);
  assert.match(missing.err, /^holdfast meter streams: .*no such target[^\n]*\n$/);
  const full = await streams(OPEN, {}, '--streams', '40');
  assert.equal(full.code, 1);
  assert.match(full.err, /^holdfast meter streams: the logical unit is full[^\n]*\n$/);
});

test('a target that stalls with its connection open is given up', async () => {
  const running = streams(OPEN, {}, '--duration', '10m', '--timeout', '2s');
  const connections = ['-C', CONTROL, '--lld', 'iscsi', '--mode', 'conn', '--op', 'show', '--tid', '1'];
  let ended = false;
  void running.then(() => (ended = true));
  while (!ended && !spawnSync('tgtadm', connections).stdout.includes('Connection')) await sleep(50);
  daemon.kill('SIGSTOP');
  try {
    const { code, err } = await running;
    assert.equal(code, 1);
    assert.match(err, /no progress for 2 s|does not answer/);
  } finally {
    daemon.kill('SIGCONT');
  }
});
