/** A ring as plain data: what the builder gives, the file holds, and a `Ring` reads from. */
import { HoldfastError } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import {
  DEVICE_ID_MAX,
  HOST_BYTES_MAX,
  NO_DEVICE,
  PARTITION_POWER_MAX,
  PLACE_NUMBER_MAX,
  REPLICAS_MAX,
  VERSION_MAX,
  WEIGHT_MAX,
} from './limits.ts';
import type { RingDevice } from './ring.ts';

/** A device that joins a partition, to take the place of the replica in a table. */
export interface RingMove {
  readonly partition: number;
  /** The replica table whose entry it is to have. */
  readonly row: number;
  readonly device: DeviceId;
}

export interface RingTable {
  readonly version: number;
  readonly partitionPower: number;
  readonly replicas: number;
  /** In order of ids, each once. */
  readonly devices: readonly RingDevice[];
  /** One table of device ids per replica (NO_DEVICE for none); the last may cover only the first partitions. */
  readonly rows: readonly Uint16Array[];
  readonly epochs: Uint32Array;
  /** In order of partitions, at most one of each. */
  readonly moves: readonly RingMove[];
}

/** Throws `format-invalid` with what is wrong; passes silently when the table is one that a builder could have made. */
export function checkRingTable(table: RingTable): void {
  const { version, partitionPower, replicas, devices, rows, epochs } = table;
  require(isWhole(version, 0, VERSION_MAX), `the ring's version is ${version}`);
  require(isWhole(partitionPower, 0, PARTITION_POWER_MAX), `the partition power is ${partitionPower}`);
  require(replicas >= 1 && replicas <= REPLICAS_MAX, `the number of replicas is ${replicas}`);
  const partitions = 2 ** partitionPower;
  require(epochs.length === partitions, `${epochs.length} epochs for ${partitions} partitions`);
  require(rows.length <= REPLICAS_MAX, `${rows.length} replicas`);
  for (const [i, row] of rows.entries()) {
    const fits =
      i < rows.length - 1 ? row.length === partitions : row.length >= 1 && row.length <= partitions;
    require(fits, `replica ${i} covers ${row.length} of ${partitions} partitions`);
  }
  let last = -1;
  for (const device of devices) {
    checkRingDevice(device);
    require(device.id > last, `device ${device.id} is out of order`);
    last = device.id;
  }
  checkMembers(devices, rows, partitions);
  checkMoves(table);
}

/** Throws `format-invalid`. */
export function checkRingDevice(device: RingDevice): void {
  const { id, region, zone, rack, host, address, weight } = device;
  require(isWhole(id, 0, DEVICE_ID_MAX), `device ${id} is out of range`);
  for (const place of [region, zone, rack])
    require(isWhole(place, 0, PLACE_NUMBER_MAX), `device ${id} is at ${place}`);
  require(isName(host), `device ${id} has a host name of ${Buffer.byteLength(host)} bytes`);
  require(isName(address.host), `device ${id} has an address of ${Buffer.byteLength(address.host)} bytes`);
  require(isWhole(address.port, 0, 65_535), `device ${id} listens on port ${address.port}`);
  require(weight >= 0 && weight <= WEIGHT_MAX, `device ${id} has weight ${weight}`);
}

function checkMembers(
  devices: readonly RingDevice[],
  rows: readonly Uint16Array[],
  partitions: number,
): void {
  const known = new Uint8Array(NO_DEVICE);
  for (const { id } of devices) known[id] = 1;
  for (let partition = 0; partition < partitions; partition++) {
    for (let i = 0; i < rows.length; i++) {
      const id = rows[i]?.[partition] ?? NO_DEVICE;
      if (id === NO_DEVICE) continue;
      require(known[id] === 1, `partition ${partition} is on device ${id}, which is not in the ring`);
      for (let j = 0; j < i; j++)
        require(rows[j]?.[partition] !== id, `partition ${partition} is on device ${id} twice`);
    }
  }
}

function checkMoves({ devices, rows, moves }: RingTable): void {
  const known = new Set<number>(devices.map(({ id }) => id));
  let last = -1;
  for (const { partition, row, device } of moves) {
    require(partition > last, `the move of partition ${partition} is out of order`);
    last = partition;
    require(partition < (rows[row]?.length ?? 0), `partition ${partition} has no replica ${row}`);
    require(known.has(device), `device ${device}, which joins, is not in the ring`);
    const isMember = rows.some((table) => table[partition] === device);
    require(!isMember, `device ${device} joins partition ${partition}, which it is a member of`);
  }
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function isName(name: string): boolean {
  const bytes = Buffer.byteLength(name);
  return bytes >= 1 && bytes <= HOST_BYTES_MAX;
}

function require(holds: boolean, wrong: string): void {
  if (!holds) throw new HoldfastError('format-invalid', `not a valid ring: ${wrong}`);
}
