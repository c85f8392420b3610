/** The machines of one schedule, and the faults that befall them until the calm. */
import { Dice } from './dice.ts';
import type { Cores } from './cores.ts';
import { type Shape, drawShape } from './shape.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedProposer } from './simulated-proposer.ts';
import { SimulatedReplica } from './simulated-replica.ts';
import { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

export class World {
  readonly timeline = new Timeline();
  readonly dice: Dice;
  readonly shape: Shape;
  readonly network: SimulatedNetwork;
  readonly replicas: readonly SimulatedReplica[];
  readonly proposers: readonly SimulatedProposer[];
  isCalm = false;
  replicaCrashes = 0;
  proposerCrashes = 0;
  readonly #cores: Cores;
  readonly #trace: Trace;

  constructor(seed: number, cores: Cores, trace: Trace) {
    this.dice = new Dice(seed);
    this.shape = drawShape(this.dice);
    this.#cores = cores;
    this.#trace = (line) => trace(() => `${this.timeline.nowMs.toFixed(2).padStart(8)} ms  ${line()}`);
    this.network = new SimulatedNetwork(this.timeline, this.dice, this.shape.network);
    this.replicas = Array.from({ length: this.shape.members }, (_, index) => this.#replica(index));
    this.proposers = Array.from({ length: this.shape.proposers }, (_, index) => this.#proposer(index));
    this.#scheduleFaults();
  }

  get trace(): Trace {
    return this.#trace;
  }

  /** Lets a proposer's process die; another begins in its place at once. */
  crashProposer(proposer: SimulatedProposer): void {
    this.proposerCrashes += 1;
    proposer.crash();
    this.#trace(() => `${proposer.name} crashes and starts again`);
  }

  #replica(index: number): SimulatedReplica {
    return new SimulatedReplica({
      name: `replica ${index}`,
      cores: this.#cores,
      disk: this.#cores.disk(this.timeline, this.dice, this.shape.disk),
      clock: this.#clock(),
      promisesMax: this.shape.promisesMax,
    });
  }

  #proposer(index: number): SimulatedProposer {
    return new SimulatedProposer({
      name: `proposer ${index}`,
      replicas: this.replicas,
      network: this.network,
      dice: this.dice,
      clock: this.#clock(),
      trace: this.#trace,
    });
  }

  #clock(): SimulatedClock {
    return new SimulatedClock(this.timeline, this.#skewMs());
  }

  #skewMs(): number {
    return this.dice.between(-this.shape.skewMsMax, this.shape.skewMsMax);
  }

  #scheduleFaults(): void {
    const { shape } = this;
    this.#often(shape.powerCutEveryMs, () => this.replicas.forEach((replica) => this.#crashReplica(replica)));
    this.#often(shape.replicaCrashEveryMs, () => this.#crashReplica(this.dice.pick(this.replicas)));
    this.#often(shape.proposerCrashEveryMs, () => this.crashProposer(this.dice.pick(this.proposers)));
    this.#often(shape.cutEveryMs, () => this.#cut());
    this.#often(shape.clockJumpEveryMs, () => this.#jump());
    this.timeline.after(shape.calmAtMs, () => this.#calm());
  }

  /** Lets a fault happen again and again until the calm. */
  #often(everyMs: number, fault: () => void): void {
    if (everyMs === Number.POSITIVE_INFINITY) return;
    this.timeline.after(this.dice.exponential(everyMs), () => {
      if (this.isCalm) return;
      fault();
      this.#often(everyMs, fault);
    });
  }

  #crashReplica(replica: SimulatedReplica): void {
    if (!replica.isUp) return;
    this.replicaCrashes += 1;
    replica.crash();
    this.#trace(() => `${replica.name} crashes`);
    this.timeline.after(this.dice.between(0, this.shape.downMsMax), () => this.#restart(replica));
  }

  #restart(replica: SimulatedReplica): void {
    if (replica.isUp) return;
    replica.start();
    this.#trace(() => `${replica.name} starts with the floor ${replica.disk.ceiling}`);
  }

  /** Cuts the ways between one proposer and one replica, or one way alone. */
  #cut(): void {
    const proposer = this.dice.pick(this.proposers).name;
    const replica = this.dice.pick(this.replicas).name;
    const durationMs = this.dice.between(0, this.shape.cutMsMax);
    const ways = this.dice.below(3);
    if (ways !== 1) this.network.cut(proposer, replica, durationMs);
    if (ways !== 0) this.network.cut(replica, proposer, durationMs);
    this.#trace(() => `${proposer} and ${replica} are cut for ${durationMs.toFixed(1)} ms`);
  }

  #jump(): void {
    const machine = this.dice.pick([...this.proposers, ...this.replicas]);
    machine.clock.skewMs = this.#skewMs();
    this.#trace(() => `the clock of ${machine.name} is now wrong by ${machine.clock.skewMs.toFixed(0)} ms`);
  }

  #calm(): void {
    this.isCalm = true;
    this.network.heal();
    for (const replica of this.replicas) {
      replica.disk.heal();
      this.#restart(replica);
    }
    this.#trace(() => 'the faults end');
  }
}
