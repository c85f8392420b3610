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
import { Mover, type MoverOptions } from '#cluster/rebalance/mover.ts';
import { Repairer } from '#cluster/repair/repairer.ts';
import type { LiveRing, RingSource } from '#ring/live-ring.ts';
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
import { MovingRing } from './moving-ring.ts';
import { SimulatedEngine } from './simulated-engine.ts';

const PORT = 7000;
const CLUSTER_KEY = Buffer.alloc(32, 5);
/** Shorter than the cluster's own, so that a schedule has many moves. */
const RETIRING_MS = 2;
/** Shorter for the same reason. */
const REPAIR_TIMES = { waitMsMin: 4, waitMsMax: 30 };
const MOVER_TIMES = { joinMs: 60, retryMs: 3, restMs: 20, idleMs: 3 };

/** What a planted bug replaces. */
export interface ClusterParts {
  engine(disk: SimulatedDisk): DeviceEngine;
  /** The ring by which a proxy lists. */
  listingRing(ring: Ring): Ring;
  /** The ring as all machines see it, and as proxies do. */
  ring(ring: Ring): Ring;
  proxyRing(ring: Ring): Ring;
  mover(options: MoverOptions, rings: MovingRing): Pick<Mover, 'start'>;
}

export const realParts: ClusterParts = {
  engine: (disk) => new SimulatedEngine(disk),
  listingRing: (ring) => ring,
  ring: (ring) => ring,
  proxyRing: (ring) => ring,
  mover: (options) => new Mover(options),
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
  rings: LiveRing | undefined;
}

export class ClusterWorld {
  readonly timeline = new Timeline();
  readonly dice: Dice;
  readonly shape: ClusterShape;
  readonly proxies: readonly Proxy[];
  isCalm = false;
  crashes = 0;
  readonly #repairers: Repairer[] = [];
  readonly #parts: ClusterParts;
  readonly #randomness: Randomness;
  readonly #network: MemoryNetwork;
  readonly rings: MovingRing;
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
    const { members, spares, ringDelayMsMax } = this.shape;
    const devices = Array.from({ length: members + spares }, (_, index) => ringDevice(index));
    this.rings = new MovingRing(this.timeline, this.dice, devices, members, ringDelayMsMax);
    this.#nodes = devices.map((device) => this.#node(device));
    for (const node of this.#nodes) this.#start(node);
    this.proxies = Array.from({ length: this.shape.proxies }, (_, index) =>
      this.#proxy(`proxy ${index}`, placement),
    );
    this.#startMover(placement);
    this.#scheduleFaults();
  }

  /** Records that nodes had missed and were given. */
  get repairs(): number {
    return this.#repairers.reduce((sum, { figures }) => sum + figures.repairedRecords, 0);
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
    return { device, disk, clock: this.#clock(), server: undefined, rings: undefined };
  }

  #start(node: Node): void {
    const { device, disk, clock } = node;
    const service = new DeviceService(device.id, this.#parts.engine(disk), clock, RETIRING_MS);
    const rings = this.rings.live();
    const server = new StorageServer({
      network: this.#network.host(device.host),
      clock,
      randomness: this.#randomness,
      log: createLogger({ level: 'error', form: 'pretty', sink: process.stderr, nowMs: () => clock.nowMs() }),
      clusterKey: CLUSTER_KEY,
      rings: seenAs(rings, (ring) => this.#parts.ring(ring)),
      devices: new Map([[device.id, service]]),
    });
    node.server = server;
    node.rings = rings;
    server.listen(device.address).catch(fail);
  }

  #proxy(name: string, placement: PlacementHash): Proxy {
    const rings = seenAs(this.rings.live(), (ring) => this.#parts.proxyRing(this.#parts.ring(ring)));
    const { context, records } = this.#client(name, placement, rings);
    const parts = this.#parts;
    const listing: ClusterContext = {
      ...context,
      get ring() {
        return parts.listingRing(rings.current);
      },
    };
    return { name, records, listings: new QuorumListings(listing, records) };
  }

  #client(
    name: string,
    placement: PlacementHash,
    rings: RingSource,
  ): { context: ClusterContext; records: QuorumRecords } {
    const clock = this.#clock();
    const network = this.#network.host(name);
    const randomness = this.#randomness;
    const buffers = new DataBuffers();
    const nodes = new NodeDirectory(
      { network, clock, randomness, clusterKey: CLUSTER_KEY, buffers },
      () => rings.current,
    );
    const ballots = new BallotClock(this.dice.below(2 ** 48), () => clock.nowMs());
    let repairer: Repairer | undefined;
    const context: ClusterContext = {
      misses: {
        record: (device, hint) => repairer?.record(device, hint),
        blob: () => undefined,
      },
      get ring() {
        return rings.current;
      },
      ringOutdated: () => rings.look(),
      placement,
      nodes,
      clock,
      randomness,
      ballots,
    };
    const ticker = new Ticker(clock);
    const records = new QuorumRecords(context, ticker);
    repairer = new Repairer(context, ticker, records, REPAIR_TIMES);
    this.#repairers.push(repairer);
    return { context, records };
  }

  /** The mover has each ring as soon as it is published, for it publishes it. */
  #startMover(placement: PlacementHash): void {
    const [world, parts] = [this.rings, this.#parts];
    const rings: RingSource = {
      get current() {
        return parts.ring(world.current);
      },
      look: () => undefined,
      subscribe: () => () => undefined,
    };
    const { context, records } = this.#client('mover', placement, rings);
    const options: MoverOptions = {
      context,
      records,
      book: this.rings.book(),
      bytesPerSecond: 2 ** 40,
      dropAfterMs: 5,
      report: () => undefined,
      times: MOVER_TIMES,
    };
    parts.mover(options, this.rings).start();
  }

  #scheduleFaults(): void {
    const { shape } = this;
    this.#often(shape.crashEveryMs, () => this.#crash(this.dice.pick(this.#nodes)));
    this.#often(shape.severEveryMs, () =>
      this.#network.sever(this.dice.pick(this.proxies).name, this.dice.pick(this.#nodes).device.host),
    );
    this.#often(shape.partitionEveryMs, () => this.#partition());
    this.#often(shape.moveEveryMs, () => this.rings.planMove());
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
    if (node.rings !== undefined) this.rings.forget(node.rings);
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

/** A machine's rings with a planted mistake in each; one object a ring, as its readers expect. */
function seenAs(live: LiveRing, change: (ring: Ring) => Ring): RingSource {
  let [known, seen] = [live.current, change(live.current)];
  return {
    get current() {
      if (known !== live.current) [known, seen] = [live.current, change(live.current)];
      return seen;
    },
    look: () => live.look(),
    subscribe: (listener) => live.subscribe((next, before) => listener(change(next), change(before))),
  };
}

function fail(error: unknown): void {
  throw error;
}

function ringDevice(index: number): RingDevice {
  const host = `node ${index}`;
  const address = { host, port: PORT };
  return { id: deviceId(index), region: 1, zone: index, rack: 0, host, address, weight: 1 };
}
