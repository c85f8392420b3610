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
import { LiveRing } from '#ring/live-ring.ts';
import type { Ring } from '#ring/ring.ts';
import { createSingleHostRing } from '#ring/single-host-ring.ts';
import { MemoryEngine } from '#storage-node/engine/memory-engine.ts';
import { DeviceService } from '#storage-node/server/device-service.ts';
import { StorageServer } from '#storage-node/server/storage-server.ts';

const CLUSTER_KEY = Buffer.alloc(32, 7);
const PORT = 6200;

export class MemoryNodes {
  readonly ring: Ring;
  readonly engines: MemoryEngine[];
  readonly network = memoryNetwork();
  readonly #servers: (StorageServer | undefined)[];
  readonly #clusters: OpenCluster[] = [];
  #seed: number;

  private constructor(devices: number, seed: number) {
    this.#seed = seed;
    const addressOf = (device: number) => ({ host: nodeName(device), port: PORT });
    this.ring = createSingleHostRing({ devices, zones: devices, partitionPower: 6, addressOf }).ring;
    this.engines = Array.from({ length: devices }, () => new MemoryEngine(Date.now));
    this.#servers = this.engines.map(() => undefined);
  }

  static async start(devices = 4, seed = 1): Promise<MemoryNodes> {
    const nodes = new MemoryNodes(devices, seed);
    for (const node of nodes.engines.keys()) await nodes.startNode(node);
    return nodes;
  }

  /** A proxy's view of the cluster, from a host of its own. */
  async open(host = 'proxy', graceMs?: number): Promise<OpenCluster> {
    this.#seed += 1;
    const cluster = await openCluster({
      network: this.network.host(host),
      clock: realClock(),
      randomness: seededRandomness(this.#seed),
      clusterKey: CLUSTER_KEY,
      rings: new LiveRing(this.ring),
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
      rings: new LiveRing(this.ring),
      devices: new Map([[node, new DeviceService(deviceId(node), engine, clock)]]),
    });
    await server.listen({ host: nodeName(node), port: PORT });
    this.#servers[node] = server;
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
