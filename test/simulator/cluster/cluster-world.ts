/**
 * Storage nodes and proxies as they really are (connections, services, registers, quorums, listings) on a network, clocks and disks
 * that are simulated, and the crashes, severed connections and partitions that befall them until the calm.
 */
import { BallotClock } from '#common/ballot.ts';
import { deviceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import { type MemoryNetwork, memoryNetwork } from '#common/io/memory-network.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { createLogger } from '#common/log/logger.ts';
import type { Listings, Records } from '#cluster/cluster.ts';
import type { ClusterContext } from '#cluster/context.ts';
import { QuorumListings } from '#cluster/listings/quorum-listings.ts';
import { NodeDirectory } from '#cluster/node-directory.ts';
import { QuorumRecords } from '#cluster/records/quorum-records.ts';
import { Ticker } from '#cluster/ticker.ts';
import type { PlacementHash } from '#ring/placement-hash.ts';
import { LiveRing } from '#ring/live-ring.ts';
import type { Ring, RingDevice } from '#ring/ring.ts';
import type { DeviceEngine } from '#storage-node/engine/device-engine.ts';
import { DataBuffers } from '#storage-node/protocol/data-buffers.ts';
import { DeviceService } from '#storage-node/server/device-service.ts';
import { StorageServer } from '#storage-node/server/storage-server.ts';
import { Dice } from '../dice.ts';
import { SimulatedDisk } from '../simulated-disk.ts';
import { Timeline } from '../timeline.ts';
import { type ClusterShape, drawClusterShape } from './cluster-shape.ts';
import { machineClock } from './machine-clock.ts';
import { SimulatedEngine } from './simulated-engine.ts';

const PORT = 7000;
const CLUSTER_KEY = Buffer.alloc(32, 5);

/** What a planted bug replaces. */
export interface ClusterParts {
  engine(disk: SimulatedDisk): DeviceEngine;
  /** The ring by which a proxy lists. */
  listingRing(ring: Ring): Ring;
}

export const realParts: ClusterParts = {
  engine: (disk) => new SimulatedEngine(disk),
  listingRing: (ring) => ring,
};

export interface Proxy {
  readonly name: string;
  readonly records: Records;
  readonly listings: Listings;
}

interface Node {
  readonly device: RingDevice;
  readonly disk: SimulatedDisk;
  readonly clock: Clock;
  server: StorageServer | undefined;
}

export class ClusterWorld {
  readonly timeline = new Timeline();
  readonly dice: Dice;
  readonly shape: ClusterShape;
  readonly proxies: readonly Proxy[];
  isCalm = false;
  crashes = 0;
  readonly #parts: ClusterParts;
  readonly #randomness: Randomness;
  readonly #network: MemoryNetwork;
  readonly #ring: Ring;
  readonly #nodes: readonly Node[];

  constructor(seed: number, parts: ClusterParts, placement: PlacementHash) {
    this.dice = new Dice(seed);
    this.shape = drawClusterShape(this.dice);
    this.#parts = parts;
    this.#randomness = seededRandomness(seed + 1);
    this.#network = memoryNetwork({
      schedule: (task) => this.timeline.after(this.#delayMs(), task),
      clock: machineClock(this.timeline, 0),
    });
    const devices = Array.from({ length: this.shape.members }, (_, index) => ringDevice(index));
    this.#ring = onePartition(devices);
    this.#nodes = devices.map((device) => this.#node(device));
    for (const node of this.#nodes) this.#start(node);
    this.proxies = Array.from({ length: this.shape.proxies }, (_, index) =>
      this.#proxy(`proxy ${index}`, placement),
    );
    this.#scheduleFaults();
  }

  #delayMs(): number {
    const { delayMsMax, lateChance, lateMsMax } = this.shape;
    const isLate = !this.isCalm && this.dice.chance(lateChance);
    return this.dice.between(0.05, isLate ? lateMsMax : delayMsMax);
  }

  #clock(): Clock {
    return machineClock(this.timeline, this.dice.between(-this.shape.skewMsMax, this.shape.skewMsMax));
  }

  #node(device: RingDevice): Node {
    const disk = new SimulatedDisk(this.timeline, this.dice, {
      syncMsMin: 0.1,
      syncMsMax: this.shape.syncMsMax,
    });
    return { device, disk, clock: this.#clock(), server: undefined };
  }

  #start(node: Node): void {
    const { device, disk, clock } = node;
    const service = new DeviceService(device.id, this.#parts.engine(disk), clock);
    const server = new StorageServer({
      network: this.#network.host(device.host),
      clock,
      randomness: this.#randomness,
      log: createLogger({ level: 'error', form: 'pretty', sink: process.stderr, nowMs: () => clock.nowMs() }),
      clusterKey: CLUSTER_KEY,
      rings: new LiveRing(this.#ring),
      devices: new Map([[device.id, service]]),
    });
    node.server = server;
    server.listen(device.address).catch(fail);
  }

  #proxy(name: string, placement: PlacementHash): Proxy {
    const clock = this.#clock();
    const network = this.#network.host(name);
    const randomness = this.#randomness;
    const ring = this.#ring;
    const buffers = new DataBuffers();
    const nodes = new NodeDirectory(
      { network, clock, randomness, clusterKey: CLUSTER_KEY, buffers },
      () => ring,
    );
    const ballots = new BallotClock(this.dice.below(2 ** 48), () => clock.nowMs());
    const context: ClusterContext = { ring, placement, nodes, clock, randomness, ballots };
    const records = new QuorumRecords(context, new Ticker(clock));
    const listing: ClusterContext = { ...context, ring: this.#parts.listingRing(ring) };
    return { name, records, listings: new QuorumListings(listing, records) };
  }

  #scheduleFaults(): void {
    const { shape } = this;
    this.#often(shape.crashEveryMs, () => this.#crash(this.dice.pick(this.#nodes)));
    this.#often(shape.severEveryMs, () =>
      this.#network.sever(this.dice.pick(this.proxies).name, this.dice.pick(this.#nodes).device.host),
    );
    this.#often(shape.partitionEveryMs, () => this.#partition());
    this.timeline.after(shape.calmAtMs, () => this.#calm());
  }

  #often(everyMs: number, fault: () => void): void {
    if (everyMs === Number.POSITIVE_INFINITY) return;
    this.timeline.after(this.dice.exponential(everyMs), () => {
      if (this.isCalm) return;
      fault();
      this.#often(everyMs, fault);
    });
  }

  #crash(node: Node): void {
    if (node.server === undefined) return;
    this.crashes += 1;
    node.server.close().catch(fail);
    node.server = undefined;
    node.disk.crash();
    this.timeline.after(this.dice.between(1, this.shape.downMsMax), () => this.#restart(node));
  }

  #restart(node: Node): void {
    if (node.server === undefined) this.#start(node);
  }

  #partition(): void {
    this.#network.partition(this.dice.pick(this.proxies).name, this.dice.pick(this.#nodes).device.host);
    this.timeline.after(this.dice.between(1, this.shape.partitionMsMax), () => this.#network.heal());
  }

  #calm(): void {
    this.isCalm = true;
    this.#network.heal();
    for (const node of this.#nodes) {
      node.disk.heal();
      this.#restart(node);
    }
  }
}

function fail(error: unknown): void {
  throw error;
}

function ringDevice(index: number): RingDevice {
  const host = `node ${index}`;
  const address = { host, port: PORT };
  return { id: deviceId(index), region: 1, zone: index, rack: 0, host, address, weight: 1 };
}

/** A ring of one partition whose members are all the devices. */
function onePartition(devices: readonly RingDevice[]): Ring {
  const members = Object.freeze(devices.map((device) => device.id));
  return {
    version: 1,
    partitionPower: 0,
    replicas: devices.length,
    devices,
    partitionOf: () => 0,
    partitionOfHigh: () => 0,
    members: () => members,
    voters: () => members,
    epoch: () => 1,
    handoffs: () => [],
  };
}
