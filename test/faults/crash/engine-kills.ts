/** One device on the machine's disk, written to by a process that is killed again and again: in the middle of writes, of compaction, of recovery. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { keyOf, killedState, textOf } from '#storage-node/engine/engine.fixture.ts';
import { openDevice } from '#storage-node/engine/open-device.ts';
import { verifyIndexEqualsLog } from './index-equals-log.ts';

const WRITER = fileURLToPath(
  new URL('../../../storage-node/engine/engine.killed-writer.fixture.ts', import.meta.url),
);
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/holdfast', import.meta.url));
const LINES_MAX = 300;
const EARLY_MS_MAX = 250;
/** Of so many rounds one compares the whole index with one made anew from the log; so does the last. */
const WHOLE_EVERY = 10;

export interface EngineKills {
  kills: number;
  /** Before the process had answered a write: it was starting, or recovering. */
  earlyKills: number;
  answered: number;
  indexesCompared: number;
}

export interface EngineKillsOptions {
  /** In which the devices are made. */
  readonly folder: string;
  /** Each is killed one time after the other; so many at once. */
  readonly devices: number;
  /** Of all devices together. */
  readonly rounds: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Throws at the first thing that is not as it was answered, with the seed, the device and the round. */
export async function killEngines(options: EngineKillsOptions): Promise<EngineKills> {
  const { folder, devices, rounds, seed } = options;
  const figures: EngineKills = { kills: 0, earlyKills: 0, answered: 0, indexesCompared: 0 };
  const one = async (number: number): Promise<void> => {
    const own = Math.floor(rounds / devices) + (number < rounds % devices ? 1 : 0);
    await new KilledDevice(`${folder}/device-${number}`, seed + number, figures).run(own, options.signal);
  };
  await Promise.all(Array.from({ length: devices }, (_, number) => one(number)));
  return figures;
}

class KilledDevice {
  readonly #path: string;
  readonly #seed: number;
  readonly #figures: EngineKills;
  /** The time of the last answer, by key. */
  readonly #answered = new Map<number, number>();

  constructor(path: string, seed: number, figures: EngineKills) {
    this.#path = path;
    this.#seed = seed;
    this.#figures = figures;
  }

  async run(rounds: number, signal: AbortSignal | undefined): Promise<void> {
    const random = seededRandomness(this.#seed);
    for (let round = 0; round < rounds && signal?.aborted !== true; round += 1) {
      const writer = new KilledWriter(this.#path, round, this.#answered);
      if (round > 0 && random.below(4) === 0) writer.killAfterMs(random.below(EARLY_MS_MAX));
      else writer.killAfterLines(1 + random.below(LINES_MAX));
      const lines = await writer.ended();
      this.#figures.kills += 1;
      if (lines === 0) this.#figures.earlyKills += 1;
      this.#figures.answered += lines;
      // A process that was killed before it had made the device has left nothing to look at.
      if (this.#answered.size === 0) continue;
      const whole = round % WHOLE_EVERY === WHOLE_EVERY - 1 || round === rounds - 1;
      await this.#verify(whole, `seed ${this.#seed}, ${this.#path}, round ${round}`);
    }
  }

  /** Every key that was ever answered, after every round. */
  async #verify(whole: boolean, where: string): Promise<void> {
    const path = this.#path;
    if (whole) {
      await verifyIndexEqualsLog(path);
      this.#figures.indexesCompared += 1;
    }
    const device = await openDevice({
      path,
      files: realFiles(),
      clock: realClock(),
      randomness: realRandomness(),
      reserveBytes: 0,
      compacts: false,
    });
    for (const [number, time] of this.#answered) {
      const found = device.readRecord(keyOf(number));
      const at = `${where}: key ${number}`;
      assert.ok(found && found.ballot.clock >= time, `${at}: ${found?.ballot.clock} < ${time}`);
      assert.equal(textOf(found), textOf(killedState(found.ballot.clock)), at);
    }
    await device.close();
  }
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
      env: { ...process.env, NODE_COMPILE_CACHE: CACHE },
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
