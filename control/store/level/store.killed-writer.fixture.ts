/**
 * Changes a store until it is killed, and prints what was answered: node store.killed-writer.fixture.ts PATH ROUND.
 * A worker moves its number between two keys in one transaction: "WORKER COUNT ." means COUNT is durable.
 */
import { writeSync } from 'node:fs';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { put, remove } from '../operations.ts';
import { openLevelStore } from './open-level-store.ts';

const WORKERS = 16;
const COUNTS_OF_ROUND = 1_000_000;

const store = await openLevelStore({
  path: process.argv[2] ?? '',
  clock: realClock(),
  randomness: realRandomness(),
  // So small that compaction is at work all the time.
  retainedRevisions: 20,
});
const round = Number(process.argv[3]);
const lease = await store.grantLease(1000 + round);
writeSync(1, `lease ${lease.id} .\n`);

async function work(worker: number): Promise<void> {
  for (let count = 1; count < COUNTS_OF_ROUND; count += 1) {
    const number = round * COUNTS_OF_ROUND + count;
    const value = Buffer.from(String(number));
    const [here, there] = number % 2 === 0 ? ['even', 'odd'] : ['odd', 'even'];
    await store.transact({
      then: [
        put(`${here}/${worker}`, value),
        remove(`${there}/${worker}`),
        put(`last/${worker}`, value, lease.id),
      ],
    });
    writeSync(1, `${worker} ${number} .\n`);
  }
}

await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
