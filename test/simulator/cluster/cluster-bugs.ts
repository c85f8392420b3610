/** Mistakes of a cluster that the simulator must find. */
import type { RecordKey } from '#common/codec/record-key.ts';
import type { Ring } from '#ring/ring.ts';
import type { AcceptedState } from '#storage-node/engine/device-engine.ts';
import type { SimulatedDisk } from '../simulated-disk.ts';
import { type ClusterParts, realParts } from './cluster-world.ts';
import { SimulatedEngine } from './simulated-engine.ts';

export interface ClusterBug {
  readonly name: string;
  /** What the mistake is, in words. */
  readonly mistake: string;
  readonly parts: ClusterParts;
}

export const clusterBugs: readonly ClusterBug[] = [
  {
    name: 'one-replica-lists',
    mistake: 'a listing asks one replica only',
    parts: { ...realParts, listingRing: (ring) => ofFirstMember(ring) },
  },
  {
    name: 'no-fsync',
    mistake: 'a node answers before what it answers is durable',
    parts: { ...realParts, engine: (disk) => new HastyEngine(disk) },
  },
];

function ofFirstMember(ring: Ring): Ring {
  const first = (partition: number) => ring.members(partition).slice(0, 1);
  return { ...ring, members: first, voters: first };
}

/** Shows what was appended last, and says that it is durable, before its fsync. */
class HastyEngine extends SimulatedEngine {
  readonly #disk: SimulatedDisk;

  constructor(disk: SimulatedDisk) {
    super(disk);
    this.#disk = disk;
  }

  override readRecord(key: RecordKey): AcceptedState | undefined {
    return this.#disk.latest(key.toString('latin1'));
  }

  override async writeRecord(key: RecordKey, state: AcceptedState): Promise<void> {
    this.#disk.append(key.toString('latin1'), state, () => undefined);
  }
}
