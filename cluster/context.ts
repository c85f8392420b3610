/** What the cluster's parts share: built once by whoever needs the store, passed to each. */
import type { BallotClock } from '#common/ballot.ts';
import { SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import type { BlobId, DeviceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Ring } from '#ring/ring.ts';
import type { Route } from '#storage-node/protocol/messages/message.ts';
import { type Voters, votersOf } from './register/quorum.ts';
import type { NodeDirectory } from './node-directory.ts';
import type { NoticedMisses } from './repair/hints.ts';

export interface ClusterContext {
  /** The newest ring that this process has seen: another object when it has changed. */
  readonly ring: Ring;
  /** Called when a node has refused a request for an older ring than its own: looks for a newer one. */
  readonly ringOutdated?: () => void;
  /** The highest 32 bits of the hash that places bytes on the ring. */
  readonly placement: (bytes: Uint8Array) => number;
  readonly nodes: NodeDirectory;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly ballots: BallotClock;
  /** Told when a device is seen to be behind; nobody is when left out. */
  readonly misses?: NoticedMisses;
  /** Counted up by whoever drives a register; nobody counts when left out. */
  readonly figures?: RegisterFigures;
}

/** What a process has done with registers since it began. */
export interface RegisterFigures {
  mutations: number;
  /** Attempts that followed another one: somebody else was at the same register, or a replica did not answer. */
  repeatedAttempts: number;
  /** Mutations without a decision in time. */
  givenUp: number;
}

/** Who keeps a key, and how to address them. */
export interface Placement {
  readonly route: Route;
  readonly members: readonly DeviceId[];
  /** The members, and behind them the device that joins. */
  readonly devices: readonly DeviceId[];
}

/** How many of them decide. */
export function votersIn({ members, devices }: Placement): Voters {
  return votersOf(members.length, devices.length - members.length);
}

/** Records are placed by their shard, so that all rows of a shard have the same members. */
export function placeRecord(context: ClusterContext, key: Buffer): Placement {
  return place(context, key.subarray(0, SHARD_PREFIX_BYTES));
}

export function placeBlob(context: ClusterContext, id: BlobId): Placement {
  return place(context, Buffer.from(id, 'hex'));
}

function place(context: ClusterContext, bytes: Uint8Array): Placement {
  const { ring } = context;
  const partition = ring.partitionOfHigh(context.placement(bytes));
  return {
    route: { partition, epoch: ring.epoch(partition) },
    members: ring.members(partition),
    devices: ring.voters(partition),
  };
}
