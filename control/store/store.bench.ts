/**
 * What the control store does in a second, by hand: node control/store/store.bench.ts [folder]
 * level is made in a folder of its own (below `folder`, whose disk is what is measured), etcd is Debian's, of one member.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { RunningEtcd } from '#test/clients/running-etcd.ts';
import { openEtcdStore } from './etcd/etcd-store.ts';
import { single } from './key-range.ts';
import { openLevelStore } from './level/open-level-store.ts';
import { memoryStore } from './memory-store.ts';
import { getEntry, isAsRead, put } from './operations.ts';
import type { Store } from './store.ts';

const ROUNDS = 3;
const ROUND_MS = 1500;
const OUTSTANDING = [1, 32, 256];
const VALUE_BYTES = 500;
const KEYS = 10_000;

const folder = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'holdfast-store-bench-'));
const clock = realClock();
const randomness = realRandomness();
const value = Buffer.alloc(VALUE_BYTES, 7);

function keyAt(number: number): string {
  return `resource/volume/${String(number).padStart(8, '0')}`;
}

/** Operations a second, and this process's CPU for each, of the median round. */
async function measure(
  what: string,
  outstanding: number,
  operation: (at: number) => Promise<unknown>,
): Promise<void> {
  const rounds: { rate: number; cpuUs: number }[] = [];
  let next = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const endMs = performance.now() + ROUND_MS;
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    let done = 0;
    const work = async (): Promise<void> => {
      while (performance.now() < endMs) {
        next += 1;
        await operation(next % KEYS);
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: outstanding }, work));
    const { user, system } = process.cpuUsage(cpu);
    const seconds = (performance.now() - startedMs) / 1000;
    rounds.push({ rate: done / seconds, cpuUs: (user + system) / Math.max(1, done) });
  }
  const median = rounds.toSorted((a, b) => a.rate - b.rate)[Math.floor(ROUNDS / 2)];
  if (median === undefined) return;
  const label = `${what}, ${outstanding} at once`.padEnd(52);
  process.stdout.write(`${label} ${Math.round(median.rate)}/s, CPU ${median.cpuUs.toFixed(0)} µs\n`);
}

async function bench(name: string, store: Store): Promise<void> {
  for (let at = 0; at < KEYS; at += 100)
    await store.transact({ then: Array.from({ length: 100 }, (_, more) => put(keyAt(at + more), value)) });
  for (const outstanding of OUTSTANDING) {
    await measure(`${name}: put`, outstanding, (at) => store.transact({ then: [put(keyAt(at), value)] }));
    await measure(`${name}: read, compare and put`, outstanding, async (at) => {
      const key = keyAt(at);
      const entry = await getEntry(store, key);
      await store.transact({ compare: [isAsRead(key, entry)], then: [put(key, value)] });
    });
    await measure(`${name}: get`, outstanding, (at) => store.range(single(keyAt(at))));
  }
  await measure(`${name}: a range of 100`, 1, (at) =>
    store.range({ from: keyAt(at), to: keyAt(at + 100) }, { limit: 100 }),
  );
}

const memory = memoryStore({ clock, randomness });
await bench('memory', memory);
await memory.close();
const level = await openLevelStore({ path: join(folder, 'level'), clock, randomness });
await bench('level', level);
await level.close();
const openedMs = performance.now();
await (await openLevelStore({ path: join(folder, 'level'), clock, randomness })).close();
process.stdout.write(`level: opened again in ${Math.round(performance.now() - openedMs)} ms\n`);
const running = await RunningEtcd.start(1);
const etcd = openEtcdStore({ endpoints: running.endpoints }, clock);
await bench('etcd', etcd);
await etcd.close();
await running.stop();
await rm(folder, { recursive: true });
