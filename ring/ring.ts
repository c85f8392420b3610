/**
 * The ring as its readers see it: an immutable table from partition to devices, with an epoch for each partition.
 * A lookup is an array read.
 */
import type { DeviceId } from '#common/ids.ts';
import type { Address } from '#common/io/network.ts';

/** Where a device stands; two replicas differ in the outermost of these that they can. */
export interface RingDevice {
  readonly id: DeviceId;
  readonly region: number;
  readonly zone: number;
  readonly rack: number;
  /** The machine's name: one failure takes all its devices. */
  readonly host: string;
  /** Where the device's storage node listens. */
  readonly address: Address;
  /** Relative share of the data; 0 drains the device. */
  readonly weight: number;
}

export interface Ring {
  /** Raised with every change; files and messages name a ring by it. */
  readonly version: number;
  /** 2^partitionPower partitions, 0 … 20. */
  readonly partitionPower: number;
  /** Replicas per partition; a fraction gives that share of the partitions one more. */
  readonly replicas: number;
  /** By id; a gap where a device has been removed. */
  readonly devices: readonly (RingDevice | undefined)[];
  /** The partition of a hash: its highest `partitionPower` bits. */
  partitionOf(hash: bigint): number;
  /** The same from the hash's highest 32 bits (0 … 2^32 − 1), as `createPlacement` gives them; no BigInt on the hot path. */
  partitionOfHigh(highBits: number): number;
  /** The devices of a partition, primary first; one frozen array per partition, made once. */
  members(partition: number): readonly DeviceId[];
  /** The members, and behind them the device that joins while the partition moves; the members' own array when none does. */
  voters(partition: number): readonly DeviceId[];
  /** Raised when the partition's members change, and when a device begins to join them. */
  epoch(partition: number): number;
  /** The other devices, in the order in which they stand in for a member, as dispersed as possible first. */
  handoffs(partition: number): Iterable<DeviceId>;
}
