/** Writes records until it is killed, and prints each one that was answered: node engine.killed-writer.fixture.ts PATH ROUND */
import { writeSync } from 'node:fs';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { keyOf, killedState } from './engine.fixture.ts';
import { openDevice } from './open-device.ts';

const WORKERS = 16;
const KEYS_OF_WORKER = 20;
const WRITES_OF_ROUND = 1_000_000;

const path = process.argv[2] ?? '';
const round = Number(process.argv[3]);
const device = await openDevice({
  path,
  files: realFiles(),
  clock: realClock(),
  randomness: realRandomness(),
  reserveBytes: 0,
  segmentBytes: 256 * 1024,
  compactionIntervalMs: 50,
});

async function work(worker: number): Promise<void> {
  for (let count = 0; count < WRITES_OF_ROUND; count += 1) {
    const number = worker * KEYS_OF_WORKER + (count % KEYS_OF_WORKER);
    const time = round * WRITES_OF_ROUND + count + 1;
    await device.writeRecord(keyOf(number), killedState(time));
    writeSync(1, `${number} ${time} .\n`);
  }
}

await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
