/** Where the moves of a cluster are written down, and the ring that the cluster has follows from: docs/formats/ring.md. */
import type { DeviceId } from '#common/ids.ts';
import type { PendingDrop, PlannedMove } from '#ring/moves.ts';

export interface Moves {
  readonly moves: readonly PlannedMove[];
  readonly drops: readonly PendingDrop[];
  /** Devices that were removed: nobody waits for them. */
  readonly leaving: readonly DeviceId[];
}

/** Each change publishes a ring before it resolves. A move that has been changed meanwhile is left alone. */
export interface MoveBook {
  read(): Promise<Moves>;
  /** @param targets the device that has each partition copied, which joins. */
  begin(targets: ReadonlyMap<number, DeviceId>): Promise<void>;
  suspend(partitions: ReadonlySet<number>): Promise<void>;
  /** @param epochs under which the partitions were copied. */
  finish(epochs: ReadonlyMap<number, number>): Promise<void>;
  settle(drops: readonly PendingDrop[]): Promise<void>;
}
