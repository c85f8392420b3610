/** One device on the machine's disk, written to by a process that is killed again and again: in the middle of writes, of compaction, of recovery. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { keyOf, stateOf, textOf } from '#storage-node/engine/engine.fixture.ts';
import { openDevice } from '#storage-node/engine/open-device.ts';
import { verifyIndexEqualsLog } from './index-equals-log.ts';

const WRITER = fileURLToPath(
  new URL('../../../storage-node/engine/engine.killed-writer.fixture.ts', import.meta.url),
);
const LINES_MAX = 900;
const EARLY_MS_MAX = 400;
const CONTENT_BYTES = 600;

export interface EngineKills {
  kills: number;
  /** Before the process had answered a write: it was starting, or recovering. */
  earlyKills: number;
  answered: number;
}

/** @param folder of the device. Throws at the first thing that is not as it was answered, with the round. */
export async function killEngine(folder: string, rounds: number, seed: number): Promise<EngineKills> {
  const random = seededRandomness(seed);
  const answered = new Map<number, number>();
  const figures: EngineKills = { kills: 0, earlyKills: 0, answered: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const early = round > 0 && random.below(4) === 0;
    const writer = new KilledWriter(folder, round, answered);
    if (early) writer.killAfterMs(random.below(EARLY_MS_MAX));
    else writer.killAfterLines(1 + random.below(LINES_MAX));
    const lines = await writer.ended();
    figures.kills += 1;
    if (lines === 0) figures.earlyKills += 1;
    figures.answered += lines;
    // A process that was killed before it had made the device has left nothing to look at.
    if (figures.answered > 0) await verify(folder, answered, `seed ${seed}, round ${round}`);
  }
  return figures;
}

class KilledWriter {
  readonly #child: ChildProcess;
  readonly #answered: Map<number, number>;
  #lines = 0;
  #linesMax = Number.POSITIVE_INFINITY;
  readonly #closed: Promise<unknown>;

  constructor(folder: string, round: number, answered: Map<number, number>) {
    this.#child = spawn(process.execPath, [WRITER, folder, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#closed = new Promise((resolve) => this.#child.once('close', resolve));
    this.#answered = answered;
  }

  killAfterMs(delayMs: number): void {
    setTimeout(() => this.#child.kill('SIGKILL'), delayMs);
  }

  killAfterLines(lines: number): void {
    this.#linesMax = lines;
  }

  /** Resolves to the number of writes that it had told of. */
  async ended(): Promise<number> {
    const { stdout } = this.#child;
    assert.ok(stdout);
    for await (const line of createInterface({ input: stdout })) {
      // The last line may have been cut by the kill.
      if (!line.endsWith(' .')) continue;
      const [number = 0, time = 0] = line.split(' ').map(Number);
      this.#answered.set(number, time);
      this.#lines += 1;
      if (this.#lines === this.#linesMax) this.#child.kill('SIGKILL');
    }
    await this.#closed;
    return this.#lines;
  }
}

async function verify(path: string, answered: ReadonlyMap<number, number>, where: string): Promise<void> {
  await verifyIndexEqualsLog(path);
  const device = await openDevice({
    path,
    files: realFiles(),
    clock: realClock(),
    randomness: realRandomness(),
    reserveBytes: 0,
    compacts: false,
  });
  for (const [number, time] of answered) {
    const found = device.readRecord(keyOf(number));
    assert.ok(
      found && found.ballot.clock >= time,
      `${where}: key ${number}: ${found?.ballot.clock} < ${time}`,
    );
    assert.equal(textOf(found), textOf(stateOf(found.ballot.clock, CONTENT_BYTES)), where);
  }
  await device.close();
}
