/** Listens for peers and serves this node's devices to them. */
import { HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Address, Listener, Network } from '#common/io/network.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import type { Ring } from '#ring/ring.ts';
import { DataBuffers } from '../protocol/data-buffers.ts';
import { NONCE_BYTES } from '../protocol/handshake.ts';
import type { Route } from '../protocol/messages/message.ts';
import type { DeviceService } from './device-service.ts';
import type { LocalNode } from '../protocol/node-access.ts';
import { DevicesHere } from './local-node.ts';
import { NodeConnection } from './node-connection.ts';

const CONNECTIONS_MAX = 1024;

export interface StorageServerContext {
  readonly network: Network;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly clusterKey: Buffer;
  readonly ring: Ring;
  readonly devices: ReadonlyMap<number, DeviceService>;
}

export class StorageServer {
  readonly #context: StorageServerContext;
  readonly #buffers = new DataBuffers(128);
  readonly #connections = new Set<NodeConnection>();
  #listener: Listener | undefined;

  constructor(context: StorageServerContext) {
    this.#context = context;
  }

  /** The same devices for roles of this process. */
  get local(): LocalNode {
    return new DevicesHere({
      device: (id, route) => this.#device(id, route),
      serves: (device) => this.#context.devices.has(device),
    });
  }

  async listen(at: Address): Promise<Address> {
    this.#listener = await this.#context.network.listen(at, (connection) => {
      if (this.#connections.size >= CONNECTIONS_MAX) {
        connection.destroy(new HoldfastError('overloaded', 'too many connections'));
        return;
      }
      const { clock, randomness, log, clusterKey } = this.#context;
      const peer = new NodeConnection(connection, {
        clock,
        log,
        clusterKey,
        buffers: this.#buffers,
        nonce: randomness.bytes(NONCE_BYTES),
        device: (id, route) => this.#device(id, route),
        closed: (closed) => this.#connections.delete(closed),
      });
      this.#connections.add(peer);
    });
    return this.#listener.address;
  }

  /** Stops listening and cuts every peer off; what devices have under way ends with their own close. */
  async close(): Promise<void> {
    await this.#listener?.close();
  }

  /** @param route left out for what concerns no partition. */
  #device(id: number, route?: Route): DeviceService {
    const device = this.#context.devices.get(id);
    if (device === undefined) throw new HoldfastError('device-unknown', `device ${id} is not on this node`);
    if (route === undefined) return device;
    const { ring } = this.#context;
    if (route.partition >= 2 ** ring.partitionPower || ring.epoch(route.partition) !== route.epoch) {
      throw new HoldfastError('ring-outdated', `this node has ring version ${ring.version}`);
    }
    if (!ring.members(route.partition).includes(device.id)) {
      throw new HoldfastError('ring-outdated', `device ${id} is no member of partition ${route.partition}`);
    }
    return device;
  }
}
