/** Rounds of: write, kill, start again, look. docs/reliability.md, "Crashes". */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Randomness } from '#common/io/randomness.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { isRunning } from '#console/supervisor/stale-processes.ts';
import { Foreground, LAUNCHER } from '../../house/foreground.ts';
import { standStill } from '../../house/stand-still.ts';
import { FaultCluster, type FaultClusterOptions } from '../processes/fault-cluster.ts';
import type { RoleChild } from '../processes/role-child.ts';
import { StoreClient } from '../processes/store-client.ts';
import { verifyIndexEqualsLog } from './index-equals-log.ts';
import { KnownKeys } from './known-keys.ts';
import { verifyStore } from './verify.ts';
import { BUCKET, type LoadFigures, WriteLoad } from './write-load.ts';

const KEYS = 96;
const SEGMENT_BYTES = 256 * 1024;
const LOAD_MS_MAX = 900;
/** Longest time after a start at which it is killed again: most of it is recovery. */
const RESTART_KILL_MS_MAX = 1500;
/** A process without its supervisor ends within some ten seconds, or is ended by its own timer. */
const END_MS_MAX = 60_000;

export interface CrashOptions {
  readonly layout: FaultClusterOptions['layout'];
  readonly firstPort: number;
  readonly seed: number;
  readonly rounds: number;
  /** Of so many rounds one runs under `holdfast up`, whose supervisor is killed too; 0 for none. */
  readonly supervisedEvery: number;
  readonly report: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface CrashFigures extends LoadFigures {
  rounds: number;
  kills: number;
  killsWhileStarting: number;
  indexesCompared: number;
  /** Segments of logs that were compacted meanwhile. */
  compactions: number;
}

/** Throws at the first thing that is not as it was answered, with the seed and the round. */
export async function runCrashes(options: CrashOptions): Promise<CrashFigures> {
  const { layout, firstPort, seed, rounds, report, signal } = options;
  await using cluster = await FaultCluster.make({ layout, firstPort, segmentBytes: SEGMENT_BYTES });
  const run = new CrashRun(cluster, options);
  try {
    await run.begin();
    for (let round = 1; round <= rounds && signal?.aborted !== true; round += 1) {
      const what = await run.round(round);
      report(`${layout}, seed ${seed}, round ${round}: ${what}: as answered`);
    }
  } catch (error) {
    const logs = cluster.roles.map(({ name, output }) => `--- ${name}\n${output.slice(-3000)}`).join('\n');
    const where = `${layout}, seed ${seed}, after ${run.figures.rounds} rounds`;
    throw new Error(`${where}: ${String(error)}\n${logs}`, { cause: error });
  } finally {
    run.end();
  }
  return run.figures;
}

class CrashRun {
  readonly figures: CrashFigures = {
    rounds: 0,
    kills: 0,
    killsWhileStarting: 0,
    indexesCompared: 0,
    compactions: 0,
    answered: 0,
    refused: 0,
    open: 0,
  };
  readonly #cluster: FaultCluster;
  readonly #options: CrashOptions;
  readonly #random: Randomness;
  readonly #known = new KnownKeys(KEYS);
  readonly #client: StoreClient;

  constructor(cluster: FaultCluster, options: CrashOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = seededRandomness(options.seed);
    this.#client = new StoreClient(cluster.keys);
  }

  async begin(): Promise<void> {
    await this.#cluster.start();
    const made = await this.#client.s3(this.#endpoint, 'PUT', `/${BUCKET}`);
    if (made.status !== 200) throw new Error(`the bucket was not made: ${made.status}`);
  }

  end(): void {
    this.figures.compactions = this.#cluster.roles.reduce((sum, { compactions }) => sum + compactions, 0);
    this.#client.close();
  }

  async round(round: number): Promise<string> {
    const { supervisedEvery } = this.#options;
    const supervised = supervisedEvery > 0 && round % supervisedEvery === 0;
    const what = supervised ? await this.#supervisedRound() : await this.#plainRound();
    await this.#cluster.start();
    await verifyStore({ client: this.#client, endpoint: this.#endpoint }, this.#known);
    this.figures.rounds += 1;
    return what;
  }

  get #endpoint(): string {
    return this.#cluster.endpoints[0] as string;
  }

  #load(): WriteLoad {
    return new WriteLoad({
      client: this.#client,
      endpoints: this.#cluster.endpoints,
      known: this.#known,
      random: this.#random,
      figures: this.figures,
    });
  }

  async #plainRound(): Promise<string> {
    const load = this.#load();
    await sleep(this.#random.below(LOAD_MS_MAX));
    const victims = this.#drawVictims();
    await this.#cluster.kill(victims);
    this.figures.kills += victims.length;
    const all = victims.length === this.#cluster.roles.length;
    if (!all && this.#random.below(2) === 0) await sleep(this.#random.below(LOAD_MS_MAX));
    if (all) {
      await load.stop();
      if (this.#random.below(3) === 0) await this.#compareIndexes();
    }
    await this.#startWithKills(victims);
    if (!all) await sleep(this.#random.below(LOAD_MS_MAX / 2));
    await load.stop();
    const names = all ? 'everything' : victims.map(({ name }) => name).join(', ');
    return `killed ${names}`;
  }

  /** Everything; or, where there are more processes than one, some of them. */
  #drawVictims(): readonly RoleChild[] {
    const { roles, storing, serving } = this.#cluster;
    const pick = <Item>(items: readonly Item[]): Item => items[this.#random.below(items.length)] as Item;
    if (roles.length === 1) return roles;
    switch (this.#random.below(6)) {
      case 0:
        return roles;
      case 1:
        return storing;
      case 2:
        return [pick(serving)];
      case 3:
        return [pick(storing), pick(serving)];
      case 4:
        return [...new Set([pick(storing), pick(storing)])];
      default:
        return [pick(storing)];
    }
  }

  /** Starts them; sometimes kills them again on the way, where most of the time is recovery. */
  async #startWithKills(victims: readonly RoleChild[]): Promise<void> {
    while (this.#random.below(3) === 0) {
      for (const victim of victims) victim.spawn();
      await sleep(this.#random.below(RESTART_KILL_MS_MAX));
      await this.#cluster.kill(victims);
      this.figures.killsWhileStarting += victims.length;
    }
    await this.#cluster.start();
  }

  async #compareIndexes(): Promise<void> {
    for (const path of this.#cluster.devicePaths) await verifyIndexEqualsLog(path);
    this.figures.indexesCompared += this.#cluster.devicePaths.length;
  }

  /** `holdfast up` in place of our own processes; its supervisor is killed, and its processes end with it or before it. */
  async #supervisedRound(): Promise<string> {
    await this.#cluster.kill();
    const { configFile } = this.#cluster;
    const up = new Foreground(LAUNCHER, ['up', '--config', configFile]);
    await up.prints(/^holdfast: ready$/m);
    const load = this.#load();
    await sleep(this.#random.below(LOAD_MS_MAX));
    // A supervisor that ran would answer the death of a process with a new one, of which nobody here would know. As it stands still, its
    // children are all that there are and will be, and their pids are taken by nobody else.
    await standStill(up.pid);
    const pids = childrenOf(up.pid);
    if (pids.length === 0) throw new Error(`the supervisor has no processes:\n${up.output}`);
    if (this.#random.below(2) === 0) for (const pid of pids) process.kill(pid, 'SIGKILL');
    up.kill('SIGKILL');
    this.figures.kills += pids.length + 1;
    await up.exit();
    await load.stop();
    // A process whose supervisor is gone finishes what is under way and ends; the devices are its own until then.
    const deadlineMs = performance.now() + END_MS_MAX;
    while (pids.some(isRunning)) {
      if (performance.now() > deadlineMs)
        throw new Error('the processes do not end without their supervisor');
      await sleep(20);
    }
    await this.#compareIndexes();
    return 'killed a supervisor and its processes';
  }
}

/** By the system's word: the files of pids are written after a process is there. */
function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => new RegExp(`^PPid:\\s+${parent}$`, 'm').test(statusOf(pid)));
}

/** What the system tells of a process; nothing when it is gone. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}
