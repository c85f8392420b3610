/** What befalls the processes of a run, until the calm: kills, stops, and wires that are cut, drawn from a seed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Randomness } from '#common/io/randomness.ts';
import type { FaultCluster } from '../processes/fault-cluster.ts';
import type { RoleChild } from '../processes/role-child.ts';

const PAUSE_MS_MAX = 900;
const FAULT_MS_MAX = 3000;
/** Faults that are there at the same time. */
const AT_ONCE = 2;

export interface FaultFigures {
  kills: number;
  stops: number;
  cuts: number;
}

export class Faults {
  readonly figures: FaultFigures = { kills: 0, stops: 0, cuts: 0 };
  readonly #cluster: FaultCluster;
  readonly #random: Randomness;
  readonly #wires: { readonly proxies: number; readonly storages: number };
  readonly #befallen = new Set<RoleChild>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[];

  /** @param wired whether the cluster has wires to cut. */
  constructor(cluster: FaultCluster, random: Randomness, wired: boolean) {
    this.#cluster = cluster;
    this.#random = random;
    const { serving, storing } = cluster;
    this.#wires = { proxies: wired ? serving.length : 0, storages: storing.length };
    this.#running = Array.from({ length: AT_ONCE }, () => this.#run());
    for (const running of this.#running) running.catch(() => undefined);
  }

  /** The calm: resolves when everything runs and is connected. */
  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.#cluster.start();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#wait(PAUSE_MS_MAX);
      if (this.#stop.signal.aborted) return;
      const choice = this.#random.below(this.#wires.proxies > 0 ? 10 : 5);
      if (choice < 3) await this.#kill();
      else if (choice < 5) await this.#pause();
      else await this.#cut();
    }
  }

  async #wait(msMax: number): Promise<void> {
    const { signal } = this.#stop;
    await sleep(this.#random.below(msMax), undefined, { signal }).catch(() => undefined);
  }

  #victims(): RoleChild[] {
    const { roles, storing } = this.#cluster;
    const all =
      this.#random.below(8) === 0 ? storing : [roles[this.#random.below(roles.length)] as RoleChild];
    return all.filter((role) => !this.#befallen.has(role));
  }

  async #kill(): Promise<void> {
    await this.#befall(async (victims) => {
      await this.#cluster.kill(victims);
      this.figures.kills += victims.length;
      await this.#wait(FAULT_MS_MAX / 2);
      await Promise.all(victims.map((victim) => victim.start()));
    });
  }

  async #pause(): Promise<void> {
    await this.#befall(async (victims) => {
      for (const victim of victims) victim.signal('SIGSTOP');
      this.figures.stops += victims.length;
      await this.#wait(FAULT_MS_MAX);
      for (const victim of victims) victim.signal('SIGCONT');
    });
  }

  /** A process has one thing at a time to bear. */
  async #befall(run: (victims: RoleChild[]) => Promise<void>): Promise<void> {
    const victims = this.#victims();
    for (const victim of victims) this.#befallen.add(victim);
    try {
      await run(victims);
    } finally {
      for (const victim of victims) this.#befallen.delete(victim);
    }
  }

  /** One wire; all of one storage process; or of one proxy those to any of the storage processes. */
  async #cut(): Promise<void> {
    const { proxies, storages } = this.#wires;
    const { cuts } = this.#cluster;
    const cut = cuts[this.#random.below(cuts.length)] as (typeof cuts)[number];
    const [proxy, storage] = [this.#random.below(proxies), this.#random.below(storages)];
    const shape = this.#random.below(3);
    const chosen: [number, number][] = [];
    for (let from = 0; from < proxies; from += 1) {
      for (let to = 0; to < storages; to += 1) {
        const isCut =
          shape === 0
            ? from === proxy && to === storage
            : shape === 1
              ? to === storage
              : from === proxy && this.#random.below(2) === 0;
        if (isCut) chosen.push([from, to]);
      }
    }
    await Promise.all(chosen.map(([from, to]) => this.#cluster.cut(from, to, cut)));
    this.figures.cuts += chosen.length;
    await this.#wait(FAULT_MS_MAX);
    await Promise.all(chosen.map(([from, to]) => this.#cluster.cut(from, to, 'open')));
  }
}
