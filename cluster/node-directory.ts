/** The clients of all storage nodes: one a node and class of traffic, made when first used. */
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import type { Ring } from '#ring/ring.ts';
import type { TrafficClass } from '#storage-node/protocol/handshake.ts';
import { NodeClient, type NodeClientContext } from '#storage-node/protocol/node-client.ts';

export class NodeDirectory {
  readonly #context: NodeClientContext;
  readonly #ring: Ring;
  readonly #clients = new Map<string, NodeClient>();
  /** By class and device, so that the hot path makes no string. */
  readonly #byDevice: Record<TrafficClass, (NodeClient | undefined)[]> = { small: [], bulk: [] };

  constructor(context: NodeClientContext, ring: Ring) {
    this.#context = context;
    this.#ring = ring;
  }

  client(device: DeviceId, traffic: TrafficClass): NodeClient {
    const known = this.#byDevice[traffic][device];
    if (known !== undefined) return known;
    const address = this.#ring.devices[device]?.address;
    if (address === undefined)
      throw new HoldfastError('device-unknown', `device ${device} is not in the ring`);
    const name = `${traffic} ${address.host}:${address.port}`;
    const client = this.#clients.get(name) ?? new NodeClient(this.#context, address, traffic);
    this.#clients.set(name, client);
    this.#byDevice[traffic][device] = client;
    return client;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}
