/** `npm run crash -- [--rounds N] [--seed S] [--layout devices|together|apart] [--port P]`: docs/reliability.md, "Crashes". */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PORTS_PER_CLUSTER } from '../processes/fault-cluster.ts';
import { runCrashes } from './crash-run.ts';
import { killEngines } from './engine-kills.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string' },
    layout: { type: 'string' },
    port: { type: 'string', default: '22800' },
    supervised: { type: 'string', default: '10' },
    devices: { type: 'string', default: '2' },
  },
});

const seed = values.seed === undefined ? randomInt(1_000_000_000) : Number(values.seed);
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());
const layouts = (['devices', 'together', 'apart'] as const).filter(
  (layout) => values.layout === undefined || values.layout === layout,
);
if (layouts.length === 0) throw new Error(`no layout ${values.layout}: devices, together, or apart`);
const rounds = Number(values.rounds);
/** A round of a cluster takes some twenty times as long as one of a device. */
const clusterRounds = values.layout === undefined ? Math.ceil(rounds / 20) : rounds;

for (const layout of layouts) {
  const figures = layout === 'devices' ? await runDevices() : await runCluster(layout);
  console.log(layout, `seed ${seed}`, JSON.stringify(figures));
}

async function runDevices() {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-kills-'));
  try {
    const devices = Math.min(Number(values.devices), rounds);
    return await killEngines({ folder, devices, rounds, seed, signal: stopping.signal });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runCluster(layout: 'together' | 'apart') {
  return runCrashes({
    layout,
    firstPort: Number(values.port) + (layout === 'apart' ? PORTS_PER_CLUSTER : 0),
    seed,
    rounds: clusterRounds,
    supervisedEvery: Number(values.supervised),
    report: (line) => console.log(line),
    signal: stopping.signal,
  });
}
