/** What the kernel is told to lose is lost, and comes when it is told no more. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('packets are lost both ways, or one, or refused, until they pass again', () => {
  const fixture = fileURLToPath(new URL('packet-filter.fixture.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [fixture], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.trim().split('\n'), [
    'lost: nothing, 0 arrived, then ping',
    'requests-lost: nothing, 0 arrived, then ping',
    'answers-lost: nothing, 1 arrived, then ping',
    'refused: ECONNRESET, 0 arrived, then ECONNRESET',
  ]);
});
