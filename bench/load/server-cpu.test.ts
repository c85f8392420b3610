import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#common/errors.ts';
import { machineCpuSeconds, parseProcessStat, serverCpuSeconds } from './server-cpu.ts';

test('a process is read from its stat line, whatever its command is called', () => {
  const line =
    '42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 250 50 10 5 20 0 11 0 100 1000 200 18446744073709551615';
  assert.deepEqual(parseProcessStat(line), { parent: 7, seconds: 3.15 });
});

test('a process is counted with its descendants, living and reaped, under the name of its pid file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  // The shell starts a loop that works for a while and ends, then one that goes on working.
  const script =
    'i=0; (while [ $i -lt 60000 ]; do i=$((i+1)); done); (while :; do :; done) & echo ready; wait';
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  try {
    writeFileSync(join(folder, 'busy.pid'), `${child.pid}\n`);
    const servers = { pids: [], runDirectory: folder };
    const before = serverCpuSeconds(servers);
    assert.deepEqual(Object.keys(before ?? {}), ['busy']);
    await once(child.stdout, 'data');
    const reaped = serverCpuSeconds(servers)?.['busy'] ?? 0;
    let seconds = reaped;
    while (seconds < reaped + 0.05) {
      await new Promise(setImmediate);
      seconds = serverCpuSeconds(servers)?.['busy'] ?? 0;
    }
    assert.ok(reaped > 0);
  } finally {
    // The whole group: the working loop is the shell's child.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

test('without processes to watch there is nothing to tell, and a folder that cannot be read is refused', () => {
  assert.equal(serverCpuSeconds({ pids: [], runDirectory: undefined }), undefined);
  assert.throws(
    () => serverCpuSeconds({ pids: [], runDirectory: '/does/not/exist' }),
    (error) => hasCode(error, 'invalid-argument'),
  );
});

test('the machine has been busy for longer than this process', () => {
  const machine = machineCpuSeconds();
  const { user, system } = process.cpuUsage();
  assert.ok(machine !== undefined && machine.busyS >= (user + system) / 1e6 - 0.02);
});
