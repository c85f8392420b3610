/** Mistakes that the simulator must find, each put in the place of one core; the product knows nothing of them. */
import { ZERO_BALLOT } from '#common/ballot.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { type Decide, type MutationStep, Mutation } from '#cluster/register/mutation.ts';
import { votersOf } from '#cluster/register/quorum.ts';
import { Reading } from '#cluster/register/reading.ts';
import type { AcceptedState } from '#storage-node/protocol/accepted-state.ts';
import type { NodeReply } from '#storage-node/protocol/node-reply.ts';
import { RegisterReplica, type ReplicaAction } from '#storage-node/register/replica.ts';
import {
  type Cores,
  type MutationCore,
  type ReplicaCore,
  type ReplicaSettings,
  realCores,
  replicaOn,
} from './cores.ts';
import type { Outcome } from './operation.ts';
import { SimulatedDisk } from './simulated-disk.ts';

export interface PlantedBug {
  readonly name: string;
  /** What the mistake is, in words. */
  readonly mistake: string;
  readonly cores: Cores;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'no-promise',
    mistake: 'a replica accepts under a ballot below the one it has promised',
    cores: { ...realCores, replica: (settings) => new PromiseBreaker(settings) },
  },
  {
    name: 'no-floor',
    mistake: 'a replica forgets its promises in a restart and takes no floor for them',
    cores: { ...realCores, replica: (settings) => replicaOn(settings, 0) },
  },
  {
    name: 'no-history',
    mistake: 'a proposer does not look whether its operation has been applied',
    cores: { ...realCores, mutation: (...args) => blindTo(realCores.mutation(...args), { history: [] }) },
  },
  {
    name: 'no-horizon',
    mistake: 'a proposer takes an operation that has left the history for one that was never applied',
    cores: {
      ...realCores,
      mutation: (...args) => blindTo(realCores.mutation(...args), { horizon: ZERO_BALLOT }),
    },
  },
  {
    name: 'one-reply-writes',
    mistake: 'a write takes one reply for a quorum',
    cores: { ...realCores, mutation: (id, _, clock, decide) => new Mutation(id, votersOf(1), clock, decide) },
  },
  {
    name: 'one-reply-reads',
    mistake: 'a read asks one replica only',
    cores: { ...realCores, reading: (order) => new Reading(order.slice(0, 1)) },
  },
  {
    name: 'no-fsync',
    mistake: 'a replica answers before what it answers is durable',
    cores: { ...realCores, disk: (...args) => new HastyDisk(...args) },
  },
  {
    name: 'promise-undurable',
    mistake: 'a promise shows a state that is still on its way to the disk',
    cores: { ...realCores, replica: (settings) => new HastyPromiser(settings) },
  },
  {
    name: 'refusal-unsettled',
    mistake: 'a condition that fails is answered before what it saw is known to be decided',
    cores: {
      ...realCores,
      mutation: (...args) => hastyRefuser(...args),
    },
  },
];

/** Lets a core that has promised nothing judge what another has refused. */
class PromiseBreaker implements ReplicaCore {
  readonly #settings: ReplicaSettings;
  readonly #floor: number;
  readonly #core: RegisterReplica;

  constructor(settings: ReplicaSettings) {
    this.#settings = settings;
    this.#floor = settings.disk.ceiling;
    this.#core = replicaOn(settings, this.#floor);
  }

  prepare(...args: Parameters<ReplicaCore['prepare']>): ReplicaAction {
    return this.#core.prepare(...args);
  }

  accept(key: RecordKey, state: AcceptedState): ReplicaAction {
    const action = this.#core.accept(key, state);
    if (action.type !== 'answer' || action.answer.type !== 'refused') return action;
    const { disk, nowMs } = this.#settings;
    const forgetful = new RegisterReplica({
      floor: this.#floor,
      nowMs,
      accepted: (other) => disk.latest(other.toString('latin1')),
    });
    return forgetful.accept(key, state);
  }

  ceilingDue(): number | undefined {
    return this.#core.ceilingDue();
  }

  ceilingRaised(ceiling: number): void {
    this.#core.ceilingRaised(ceiling);
  }
}

/** Takes an append for durable at once where it promises, though not where it accepts. */
class HastyPromiser implements ReplicaCore {
  readonly #disk: SimulatedDisk;
  readonly #core: RegisterReplica;

  constructor(settings: ReplicaSettings) {
    const { disk, nowMs, promisesMax } = settings;
    this.#disk = disk;
    const accepted = (key: RecordKey): AcceptedState | undefined => disk.latest(key.toString('latin1'));
    this.#core = new RegisterReplica({ floor: disk.ceiling, nowMs, promisesMax, accepted });
  }

  prepare(...args: Parameters<ReplicaCore['prepare']>): ReplicaAction {
    return this.#core.prepare(...args);
  }

  accept(key: RecordKey, state: AcceptedState): ReplicaAction {
    const action = this.#core.accept(key, state);
    if (action.type === 'append') {
      action.settle(true);
      return { ...action, settle: () => undefined };
    }
    const name = key.toString('latin1');
    const latest = this.#disk.latest(name);
    const isOnItsWay = latest !== undefined && latest !== this.#disk.read(name);
    const isAccepted = action.type === 'answer' && action.answer.type === 'accepted';
    return isAccepted && isOnItsWay ? { type: 'await', state: latest } : action;
  }

  ceilingDue(): number | undefined {
    return this.#core.ceilingDue();
  }

  ceilingRaised(ceiling: number): void {
    this.#core.ceilingRaised(ceiling);
  }
}

/** Shows an append to readers, and says that it is durable, before its fsync. */
class HastyDisk extends SimulatedDisk {
  override read(key: string): AcceptedState | undefined {
    return this.latest(key);
  }

  override append(key: string, state: AcceptedState, durable: () => void): void {
    super.append(key, state, () => undefined);
    durable();
  }
}

/** Hides something of the states that members promise with. */
function blindTo(core: MutationCore, hidden: Partial<AcceptedState>): MutationCore {
  const hide = (reply: NodeReply): NodeReply => {
    if (reply.type !== 'promised' || reply.state === undefined) return reply;
    return { ...reply, state: { ...reply.state, ...hidden } };
  };
  return {
    begin: () => core.begin(),
    answer: (round, member, reply) => core.answer(round, member, hide(reply)),
    get mayHaveTakenEffect() {
      return core.mayHaveTakenEffect;
    },
  };
}

function hastyRefuser(...args: Parameters<Cores['mutation']>): MutationCore {
  const [id, voters, clock, decide] = args;
  let refusal: MutationStep<Outcome> | undefined;
  const watched: Decide<Outcome> = (current, ballot) => {
    refusal = undefined;
    try {
      const decision = decide(current, ballot);
      if (decision.action === 'keep') refusal = { type: 'done', result: decision.result };
      return decision;
    } catch (error) {
      refusal = { type: 'failed', error };
      throw error;
    }
  };
  const core = new Mutation<Outcome>(id, voters, clock, watched);
  const hasten = (step: MutationStep<Outcome>): MutationStep<Outcome> =>
    step.type === 'accept' && refusal !== undefined ? refusal : step;
  return {
    begin: () => core.begin(),
    answer: (round, member, reply) => hasten(core.answer(round, member, reply)),
    get mayHaveTakenEffect() {
      return core.mayHaveTakenEffect;
    },
  };
}
