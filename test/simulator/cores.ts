/** The cores that a schedule runs; a planted bug puts another in the place of one of them. */
import type { Ballot, BallotClock } from '#common/ballot.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import type { Voters } from '#cluster/register/quorum.ts';
import { type Decide, Mutation } from '#cluster/register/mutation.ts';
import { Reading } from '#cluster/register/reading.ts';
import type { AcceptedState } from '#storage-node/protocol/accepted-state.ts';
import { RegisterReplica, type ReplicaAction } from '#storage-node/register/replica.ts';
import type { Dice } from './dice.ts';
import type { Outcome } from './operation.ts';
import { type DiskOptions, SimulatedDisk } from './simulated-disk.ts';
import type { Timeline } from './timeline.ts';

export interface ReplicaCore {
  prepare(key: RecordKey, ballot: Ballot): ReplicaAction;
  accept(key: RecordKey, state: AcceptedState): ReplicaAction;
  ceilingDue(): number | undefined;
  ceilingRaised(ceiling: number): void;
}

export interface ReplicaSettings {
  readonly disk: SimulatedDisk;
  readonly nowMs: () => number;
  readonly promisesMax: number;
}

export type MutationCore = Pick<Mutation<Outcome>, 'begin' | 'answer' | 'mayHaveTakenEffect'>;
export type ReadingCore = Pick<Reading, 'first' | 'answer' | 'hurry'>;

export interface Cores {
  disk(timeline: Timeline, dice: Dice, options: DiskOptions): SimulatedDisk;
  replica(settings: ReplicaSettings): ReplicaCore;
  mutation(id: string, voters: Voters, clock: BallotClock, decide: Decide<Outcome>): MutationCore;
  reading(order: readonly number[]): ReadingCore;
}

export const realCores: Cores = {
  disk: (timeline, dice, options) => new SimulatedDisk(timeline, dice, options),
  replica: (settings) => replicaOn(settings, settings.disk.ceiling),
  mutation: (id, voters, clock, decide) => new Mutation<Outcome>(id, voters, clock, decide),
  reading: (order) => new Reading(order),
};

export function replicaOn(settings: ReplicaSettings, floor: number): RegisterReplica {
  const { disk, nowMs, promisesMax } = settings;
  return new RegisterReplica({
    floor,
    nowMs,
    promisesMax,
    accepted: (key) => disk.read(key.toString('latin1')),
  });
}
