/** The first ring of a cluster that lives on one machine. */
import type { DeviceId } from '#common/ids.ts';
import type { Address } from '#common/io/network.ts';
import { RingBuilder } from './builder.ts';
import type { Ring } from './ring.ts';

export interface SingleHostRingOptions {
  /** Devices 0 … devices − 1. */
  readonly devices: number;
  /** Zones 1 … zones, which get the devices in turn. */
  readonly zones: number;
  readonly partitionPower?: number;
  readonly replicas?: number;
  /** Where the device's storage node listens. */
  readonly addressOf: (device: DeviceId) => Address;
}

const DEVICE_WEIGHT = 100;
/** Up to twice its weight: however the devices divide over the zones, three zones always have one replica each. */
const OVERLOAD = 1;

/**
 * Region 1, the devices dealt out to the zones in turn. Every zone has a host name of its own, since here a zone stands
 * for a set of disks and processes, and placement must not take the whole machine for one host. The same options give
 * the same ring. Throws `invalid-argument`.
 */
export function createSingleHostRing(options: SingleHostRingOptions): { builder: RingBuilder; ring: Ring } {
  const { devices, zones, partitionPower = 10, replicas = 3, addressOf } = options;
  const builder = RingBuilder.create({ partitionPower, replicas, overload: OVERLOAD });
  for (let number = 0; number < devices; number++) {
    const zone = 1 + (number % zones);
    const address = addressOf(number as DeviceId);
    builder.add({ region: 1, zone, rack: 0, host: `zone-${zone}`, address, weight: DEVICE_WEIGHT });
  }
  builder.rebalance({ nowMs: 0, seed: 1 });
  return { builder, ring: builder.ring() };
}
