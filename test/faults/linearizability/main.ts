/** `npm run linearizability -- [--seconds N] [--seed S] [--layout together|apart] [--cuts relays|kernel] [--port P]`: docs/reliability.md, "Linearizability". */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { inOwnNetwork, PacketFilter, raiseLoopback } from '../processes/packet-filter.ts';
import { runLinearizability } from './run.ts';

/** A run is as long as its histories can be checked in a moment; more seconds are more runs, with the seeds that follow. */
const RUN_SECONDS = 30;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    layout: { type: 'string', default: 'apart' },
    cuts: { type: 'string', default: 'relays' },
    'own-network': { type: 'boolean', default: false },
    port: { type: 'string', default: '22800' },
  },
});

if (values.cuts === 'kernel' && !values['own-network'])
  process.exit(await inOwnNetwork([...process.argv.slice(2), '--own-network']));

let filter: PacketFilter | undefined;
if (values.cuts === 'kernel') {
  raiseLoopback();
  filter = await PacketFilter.make();
}
const layout = values.layout === 'together' ? 'together' : 'apart';
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());
let seed = values.seed === undefined ? randomInt(1_000_000_000) : Number(values.seed);
for (let left = Number(values.seconds); left > 0 && !stopping.signal.aborted; left -= RUN_SECONDS) {
  const seconds = Math.min(left, RUN_SECONDS);
  const { signal } = stopping;
  const run = { layout, firstPort: Number(values.port), seed, seconds, signal } as const;
  const figures = await runLinearizability(filter === undefined ? run : { ...run, filter });
  console.log(`${layout}, seed ${seed}, ${seconds} s: linearizable`, JSON.stringify(figures));
  seed += 1;
}
