/** Listens for peers and serves this node's devices to them. */
import { HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Address, Listener, Network } from '#common/io/network.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import type { RingSource } from '#ring/live-ring.ts';
import type { Ring } from '#ring/ring.ts';
import { DataBuffers } from '../protocol/data-buffers.ts';
import { NONCE_BYTES } from '../protocol/handshake.ts';
import type { Route } from '../protocol/messages/message.ts';
import type { Standing } from './answer-request.ts';
import type { DeviceService } from './device-service.ts';
import type { LocalNode } from '../protocol/node-access.ts';
import { DevicesHere } from './local-node.ts';
import { NodeConnection } from './node-connection.ts';

const CONNECTIONS_MAX = 1024;
const CATCH_UP_MS_MAX = 1000;

export interface StorageServerContext {
  readonly network: Network;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly clusterKey: Buffer;
  readonly rings: RingSource;
  readonly devices: ReadonlyMap<number, DeviceService>;
}

export class StorageServer {
  readonly #context: StorageServerContext;
  readonly #buffers = new DataBuffers(128);
  readonly #connections = new Set<NodeConnection>();
  #listener: Listener | undefined;

  readonly #unsubscribe: () => void;

  constructor(context: StorageServerContext) {
    this.#context = context;
    this.#unsubscribe = context.rings.subscribe((next, before) => this.#retire(next, before));
  }

  /** The same devices for roles of this process. */
  get local(): LocalNode {
    return new DevicesHere({
      device: (id, route, standing) => this.#device(id, route, standing),
      catchUp: (route) => this.#catchUp(route),
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
        device: (id, route, standing) => this.#device(id, route, standing),
        catchUp: (route) => this.#catchUp(route),
        closed: (closed) => this.#connections.delete(closed),
      });
      this.#connections.add(peer);
    });
    return this.#listener.address;
  }

  /** Stops listening and cuts every peer off; what devices have under way ends with their own close. */
  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#listener?.close();
  }

  /**
   * Waits a moment for the ring of a sender that has seen a newer one: a body can't be sent again. Whether it has come is for `#device`
   * to say.
   */
  async #catchUp({ partition, epoch }: Route): Promise<void> {
    const { rings, clock } = this.#context;
    const isBehind = (ring: Ring): boolean =>
      partition < 2 ** ring.partitionPower && ring.epoch(partition) < epoch;
    if (!isBehind(rings.current)) return;
    rings.look();
    await new Promise<void>((resolve) => {
      const end = (): void => {
        timer.cancel();
        unsubscribe();
        resolve();
      };
      const timer = clock.after(CATCH_UP_MS_MAX, end);
      const unsubscribe = rings.subscribe((next) => {
        if (!isBehind(next)) end();
      });
    });
  }

  /** @param route left out for what concerns no partition. */
  #device(id: number, route?: Route, standing: Standing = 'voter'): DeviceService {
    const device = this.#context.devices.get(id);
    if (device === undefined) throw new HoldfastError('device-unknown', `device ${id} is not on this node`);
    if (route === undefined) return device;
    const { rings } = this.#context;
    const ring = rings.current;
    const epoch = route.partition < 2 ** ring.partitionPower ? ring.epoch(route.partition) : -1;
    if (epoch !== route.epoch) {
      if (standing === 'upload' && device.uploads.takes(route)) return device;
      // The sender may have seen a ring that this node has not seen yet.
      if (epoch < route.epoch) rings.look();
      throw new HoldfastError('ring-outdated', `this node has ring version ${ring.version}`);
    }
    if (standing === 'any') return device;
    const isVoter = ring.voters(route.partition).includes(device.id);
    if (isVoter !== (standing !== 'stranger')) {
      const what = isVoter ? 'a voter' : 'no voter';
      throw new HoldfastError('ring-outdated', `device ${id} is ${what} of partition ${route.partition}`);
    }
    return device;
  }

  /** Where an epoch has passed, blobs are still on their way under it. */
  #retire(next: Ring, before: Ring): void {
    const partitions = 2 ** before.partitionPower;
    if (next.partitionPower !== before.partitionPower) return;
    for (let partition = 0; partition < partitions; partition += 1) {
      const epoch = before.epoch(partition);
      if (epoch === next.epoch(partition)) continue;
      for (const id of before.voters(partition))
        this.#context.devices.get(id)?.uploads.retire({ partition, epoch });
    }
  }
}
