/** `npm run crash -- [--rounds N] [--seed S] [--layout together|apart] [--port P]`: docs/reliability.md, "Crashes". */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { PORTS_PER_CLUSTER } from '../processes/fault-cluster.ts';
import { runCrashes } from './crash-run.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string' },
    layout: { type: 'string' },
    port: { type: 'string', default: '22800' },
    supervised: { type: 'string', default: '10' },
  },
});

const seed = values.seed === undefined ? randomInt(1_000_000_000) : Number(values.seed);
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());
const layouts = (['together', 'apart'] as const).filter(
  (layout) => values.layout === undefined || values.layout === layout,
);
if (layouts.length === 0) throw new Error(`no layout ${values.layout}: together, or apart`);
const rounds = Math.ceil(Number(values.rounds) / layouts.length);
for (const [index, layout] of layouts.entries()) {
  const figures = await runCrashes({
    layout,
    firstPort: Number(values.port) + index * PORTS_PER_CLUSTER,
    seed,
    rounds,
    supervisedEvery: Number(values.supervised),
    report: (line) => console.log(line),
    signal: stopping.signal,
  });
  console.log(layout, JSON.stringify(figures));
}
