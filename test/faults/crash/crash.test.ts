/** Real processes killed at random. HOLDFAST_SEED repeats a seed; `npm run crash` runs as many rounds as wanted. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PORTS_PER_CLUSTER } from '../processes/fault-cluster.ts';
import { runCrashes } from './crash-run.ts';
import { killEngines } from './engine-kills.ts';

const FIRST_PORT = 22_860;
const ENGINE_KILLS = 240;
const DEVICES = 4;
const seed = Number(process.env['HOLDFAST_SEED'] ?? randomInt(1_000_000_000));

test('devices whose processes are killed again and again keep all that they answered', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-kills-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  context.diagnostic(`seed ${seed}`);
  const figures = await killEngines({ folder, devices: DEVICES, rounds: ENGINE_KILLS, seed });
  context.diagnostic(JSON.stringify(figures));
  assert.equal(figures.kills, ENGINE_KILLS);
});

for (const [index, layout] of (['together', 'apart'] as const).entries()) {
  test(`a cluster whose processes, ${layout}, are killed amid writes keeps all that it answered`, async (context) => {
    context.diagnostic(`seed ${seed}`);
    const figures = await runCrashes({
      layout,
      firstPort: FIRST_PORT + index * PORTS_PER_CLUSTER,
      seed,
      rounds: layout === 'together' ? 8 : 5,
      supervisedEvery: layout === 'together' ? 4 : 0,
      report: () => undefined,
    });
    context.diagnostic(JSON.stringify(figures));
    assert.ok(figures.answered > 0 && figures.kills > 0);
  });
}
