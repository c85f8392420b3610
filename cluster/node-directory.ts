/** The clients of all storage nodes: one a node and class of traffic, made when first used. */
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import type { Ring } from '#ring/ring.ts';
import type { TrafficClass } from '#storage-node/protocol/handshake.ts';
import type { LocalNode, NodeAccess } from '#storage-node/protocol/node-access.ts';
import { NodeClient, type NodeClientContext } from '#storage-node/protocol/node-client.ts';

export class NodeDirectory {
  readonly #context: NodeClientContext;
  readonly #ring: () => Ring;
  #known: Ring;
  readonly #local: LocalNode | undefined;
  readonly #clients = new Map<string, NodeClient>();
  /** By class and device, so that the hot path makes no string. */
  readonly #byDevice: Record<TrafficClass, (NodeAccess | undefined)[]> = { small: [], bulk: [] };

  /**
   * @param ring the newest: where its devices are.
   * @param local the devices of this process, which are asked without a wire.
   */
  constructor(context: NodeClientContext, ring: () => Ring, local?: LocalNode) {
    this.#local = local;
    this.#context = context;
    this.#ring = ring;
    this.#known = ring();
  }

  /** Whether the device is one of this process. */
  isHere(device: DeviceId): boolean {
    return this.#local?.serves(device) === true;
  }

  client(device: DeviceId, traffic: TrafficClass): NodeAccess {
    const ring = this.#ring();
    if (ring !== this.#known) this.#follow(ring);
    const known = this.#byDevice[traffic][device];
    if (known !== undefined) return known;
    if (this.#local?.serves(device) === true) {
      this.#byDevice[traffic][device] = this.#local;
      return this.#local;
    }
    const address = ring.devices[device]?.address;
    if (address === undefined)
      throw new HoldfastError('device-unknown', `device ${device} is not in the ring`);
    const name = `${traffic} ${address.host}:${address.port}`;
    const client = this.#clients.get(name) ?? new NodeClient(this.#context, address, traffic);
    this.#clients.set(name, client);
    this.#byDevice[traffic][device] = client;
    return client;
  }

  /** Devices may be elsewhere in a newer ring; a client of an address that is used no more stays, idle. */
  #follow(ring: Ring): void {
    this.#known = ring;
    this.#byDevice.small.length = 0;
    this.#byDevice.bulk.length = 0;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}
