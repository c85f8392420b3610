/** The control process killed amid writes. HOLDFAST_SEED repeats a seed; HOLDFAST_KILLS is how often it is killed. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { runControlKills } from './control-run.ts';

const FIRST_PORT = 24_200;
const WRITES_PER_KILL = 120;
const seed = Number(process.env['HOLDFAST_SEED'] ?? randomInt(1_000_000_000));
const kills = Number(process.env['HOLDFAST_KILLS'] ?? 2);

for (const [index, backend] of (['level', 'etcd'] as const).entries()) {
  test(`a control process on ${backend} that is killed amid writes keeps all that it answered, and nothing by half`, async (context) => {
    context.diagnostic(`seed ${seed}`);
    const firstPort = FIRST_PORT + 2 * index;
    const figures = await runControlKills({
      backend,
      firstPort,
      seed,
      kills,
      writes: kills * WRITES_PER_KILL,
    });
    context.diagnostic(JSON.stringify(figures));
    assert.equal(figures.kills, kills);
    assert.ok(figures.answered > 0);
  });
}
