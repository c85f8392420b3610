/** Mistakes of a cluster that the simulator must find. */
import type { RecordKey } from '#common/codec/record-key.ts';
import { Mover, type MoverOptions } from '#cluster/rebalance/mover.ts';
import type { Ring } from '#ring/ring.ts';
import type { AcceptedState } from '#storage-node/engine/device-engine.ts';
import type { SimulatedDisk } from '../simulated-disk.ts';
import { type ClusterParts, realParts } from './cluster-world.ts';
import type { MovingRing } from './moving-ring.ts';
import { SimulatedEngine } from './simulated-engine.ts';

const MOVER_STEP_MS = 3;

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
  {
    name: 'joins-empty',
    mistake: 'a device is made a member before it has copied anything',
    parts: { ...realParts, mover: (options, rings) => new HastyMover(options, rings) },
  },
  {
    name: 'joining-not-asked',
    mistake: 'a majority of the members decides alone while a device joins',
    parts: {
      ...realParts,
      proxyRing: (ring) => changed(ring, { voters: (partition) => ring.members(partition) }),
    },
  },
  {
    name: 'no-epochs',
    mistake: 'requests of an older ring are taken for those of the present one',
    parts: { ...realParts, ring: (ring) => changed(ring, { epoch: () => 1 }), mover: blindToEpochs },
  },
];

function ofFirstMember(ring: Ring): Ring {
  const first = (partition: number) => ring.members(partition).slice(0, 1);
  return changed(ring, { members: first, voters: first });
}

/** A ring with something else in the place of what it says. */
function changed(ring: Ring, change: Partial<Ring>): Ring {
  return {
    version: ring.version,
    partitionPower: ring.partitionPower,
    replicas: ring.replicas,
    devices: ring.devices,
    partitionOf: (hash) => ring.partitionOf(hash),
    partitionOfHigh: (high) => ring.partitionOfHigh(high),
    members: (partition) => ring.members(partition),
    voters: (partition) => ring.voters(partition),
    epoch: (partition) => ring.epoch(partition),
    handoffs: (partition) => ring.handoffs(partition),
    ...change,
  };
}

/** Makes a member of every device that is to join, at once. */
class HastyMover {
  readonly #options: MoverOptions;
  readonly #rings: MovingRing;

  constructor(options: MoverOptions, rings: MovingRing) {
    this.#options = options;
    this.#rings = rings;
  }

  start(): void {
    const { book, context } = this.#options;
    const step = async (): Promise<void> => {
      const { moves } = await book.read();
      const partitions = new Set(moves.map(({ partition }) => partition));
      if (moves.some(({ begun }) => begun)) await book.finish(epochsOf(this.#rings, partitions));
      else if (moves.length > 0)
        await book.begin(new Map(moves.map(({ partition, device }) => [partition, device])));
      context.clock.after(MOVER_STEP_MS, () => void step());
    };
    void step();
  }
}

function epochsOf({ state }: MovingRing, partitions: Iterable<number>): Map<number, number> {
  return new Map(Array.from(partitions, (partition) => [partition, state.epochs[partition] as number]));
}

/** Its book finishes what was copied under whatever epoch. */
function blindToEpochs(options: MoverOptions, rings: MovingRing): Mover {
  const { book } = options;
  return new Mover({
    ...options,
    book: {
      read: () => book.read(),
      begin: (partitions) => book.begin(partitions),
      suspend: (partitions) => book.suspend(partitions),
      finish: (epochs) => book.finish(epochsOf(rings, epochs.keys())),
      settle: (drops) => book.settle(drops),
    },
  });
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
