/**
 * A whole cluster in the test's own process: the real protocol, registers, listings and bodies over a network and
 * devices in memory. Nodes can be cut off, stopped and started.
 */
import { realClock } from '#common/io/real-clock.ts';
import { memoryNetwork } from '#common/io/memory-network.ts';
import { seededRandomness } from '#common/io/seeded-randomness.ts';
import { createLogger } from '#common/log/logger.ts';
import { deviceId } from '#common/ids.ts';
import { openCluster, type OpenCluster } from '#cluster/open-cluster.ts';
import { BuilderBook } from '#cluster/rebalance/builder-book.ts';
import { Mover } from '#cluster/rebalance/mover.ts';
import { type BuilderState, RingBuilder } from '#ring/builder.ts';
import { LiveRing } from '#ring/live-ring.ts';
import { standingTable } from '#ring/moves.ts';
import type { Ring } from '#ring/ring.ts';
import { createSingleHostRing } from '#ring/single-host-ring.ts';
import { ringOf } from '#ring/table-ring.ts';
import { MemoryEngine } from '#storage-node/engine/memory-engine.ts';
import { DeviceService } from '#storage-node/server/device-service.ts';
import { StorageServer } from '#storage-node/server/storage-server.ts';

const CLUSTER_KEY = Buffer.alloc(32, 7);
const PORT = 6200;

export class MemoryNodes {
  /** The ring that was published last. */
  ring: Ring;
  readonly builder: RingBuilder;
  #state: BuilderState;
  readonly #liveRings = new Set<LiveRing>();
  readonly engines: MemoryEngine[];
  readonly network = memoryNetwork();
  readonly #servers: (StorageServer | undefined)[];
  readonly #clusters: OpenCluster[] = [];
  #seed: number;

  private constructor(devices: number, seed: number) {
    this.#seed = seed;
    const addressOf = (device: number) => ({ host: nodeName(device), port: PORT });
    const { builder, ring } = createSingleHostRing({ devices, zones: devices, partitionPower: 6, addressOf });
    this.ring = ring;
    this.builder = builder;
    this.#state = builder.state;
    this.engines = Array.from({ length: devices }, () => new MemoryEngine(Date.now));
    this.#servers = this.engines.map(() => undefined);
  }

  static async start(devices = 4, seed = 1): Promise<MemoryNodes> {
    const nodes = new MemoryNodes(devices, seed);
    for (const node of nodes.engines.keys()) await nodes.startNode(node);
    return nodes;
  }

  /** A proxy's view of the cluster, from a host of its own. */
  async open(host = 'proxy', graceMs?: number, rings = this.liveRing()): Promise<OpenCluster> {
    this.#seed += 1;
    const cluster = await openCluster({
      network: this.network.host(host),
      clock: realClock(),
      randomness: seededRandomness(this.#seed),
      clusterKey: CLUSTER_KEY,
      rings,
      ...(graceMs === undefined ? {} : { graceMs }),
    });
    this.#clusters.push(cluster);
    return cluster;
  }

  /** Starts a node again over what its device holds, as after a kill. */
  async startNode(node: number): Promise<void> {
    const engine = this.engines[node] as MemoryEngine;
    engine.restart();
    const clock = realClock();
    const server = new StorageServer({
      network: this.network.host(nodeName(node)),
      clock,
      randomness: seededRandomness(this.#seed + 100 + node),
      log: createLogger({ level: 'error', form: 'json', nowMs: Date.now, sink: { write: () => undefined } }),
      clusterKey: CLUSTER_KEY,
      rings: this.liveRing(),
      devices: new Map([[node, new DeviceService(deviceId(node), engine, clock)]]),
    });
    await server.listen({ host: nodeName(node), port: PORT });
    this.#servers[node] = server;
  }

  /** A ring as one process sees it: a while behind what was published, unless it looks. */
  liveRing(): LiveRing {
    const live = this.ringUnheard();
    this.#liveRings.add(live);
    return live;
  }

  /** A ring that nobody brings: its process has the one of now until it looks. */
  ringUnheard(): LiveRing {
    const live: LiveRing = new LiveRing(this.ring, () => void setImmediate(() => live.update(this.ring)));
    return live;
  }

  #publish(state: BuilderState): void {
    const isNew = state.version > this.#state.version;
    this.#state = state;
    if (!isNew) return;
    const ring = ringOf(standingTable(state));
    this.ring = ring;
    for (const live of this.#liveRings) setTimeout(() => live.update(ring), Math.random() * 50);
  }

  /** Another node with an empty device, staged. */
  async addNode(): Promise<number> {
    const node = this.engines.length;
    this.engines.push(new MemoryEngine(Date.now));
    this.#servers.push(undefined);
    await this.startNode(node);
    const zone = node + 1;
    const address = { host: nodeName(node), port: PORT };
    await this.change((builder) => {
      builder.add({ region: 1, zone, rack: 0, host: `zone-${zone}`, address, weight: 100 });
    });
    return node;
  }

  /** What an operator does to the ring: it is published when it was balanced. */
  async change(change: (builder: RingBuilder) => void): Promise<void> {
    const builder = new RingBuilder(this.#state);
    change(builder);
    this.#publish(builder.state);
  }

  get moving(): Pick<BuilderState, 'moves' | 'drops' | 'leaving'> {
    return this.#state;
  }

  /** A mover with a host of its own. */
  async openMover(
    dropAfterMs: number,
    report: (problem: string) => void = () => undefined,
    rings = this.liveRing(),
  ): Promise<Mover> {
    const { context, records } = await this.open('mover', undefined, rings);
    const book = new BuilderBook({
      nowMs: Date.now,
      load: async () => this.#state,
      change: async (change) => {
        this.#publish(change(this.#state));
        context.ringOutdated?.();
        await new Promise((resolve) => setTimeout(resolve, 5));
      },
    });
    return new Mover({ context, records, book, bytesPerSecond: 256 << 20, dropAfterMs, report });
  }

  /** Cuts every connection of the node and refuses new ones. */
  async stopNode(node: number): Promise<void> {
    await this.#servers[node]?.close();
    this.#servers[node] = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cluster of this.#clusters) await cluster.close();
    for (const server of this.#servers) await server?.close();
  }
}

export function nodeName(node: number): string {
  return `node-${node}`;
}
