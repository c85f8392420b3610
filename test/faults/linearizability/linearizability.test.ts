/** What real clients of a real cluster were told, amid faults, can be what one variable a key would have told. HOLDFAST_SEED repeats a seed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PORTS_PER_CLUSTER } from '../processes/fault-cluster.ts';
import { runLinearizability } from './run.ts';

const FIRST_PORT = 22_880;
const SECONDS = 8;
const seed = Number(process.env['HOLDFAST_SEED'] ?? randomInt(1_000_000_000));

for (const [index, layout] of (['together', 'apart'] as const).entries()) {
  test(`histories are linearizable while processes, ${layout}, are killed, stopped and cut off`, async (context) => {
    context.diagnostic(`seed ${seed}`);
    const firstPort = FIRST_PORT + index * PORTS_PER_CLUSTER;
    const figures = await runLinearizability({ layout, firstPort, seed, seconds: SECONDS });
    context.diagnostic(JSON.stringify(figures));
    assert.ok(figures.operations > 0);
  });
}

test('histories are linearizable while the kernel loses and refuses packets', (context) => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const args = ['--cuts', 'kernel', '--seconds', String(SECONDS), '--seed', String(seed)];
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  context.diagnostic(stdout);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /: linearizable \{.*"operations":[1-9]/);
});
