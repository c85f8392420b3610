/** A `Ring` over a table: what readers hold. It never changes; a newer ring is another object. */
import type { DeviceId } from '#common/ids.ts';
import { handoffOrder } from './handoffs.ts';
import { NO_DEVICE } from './limits.ts';
import { buildFailureTree, type FailureTree } from './placement/failure-tree.ts';
import type { Ring, RingDevice } from './ring.ts';
import { checkRingTable, type RingTable } from './ring-table.ts';

/** Throws `format-invalid` when the table is not sound. The table's arrays become the ring's: don't write to them. */
export function ringOf(table: RingTable): Ring {
  checkRingTable(table);
  return new TableRing(table);
}

class TableRing implements Ring {
  readonly version: number;
  readonly partitionPower: number;
  readonly replicas: number;
  readonly devices: readonly (RingDevice | undefined)[];
  readonly #table: RingTable;
  /** 64 − partition power, and 32 − it: what a hash is shifted by. */
  readonly #shift64: bigint;
  readonly #shift32: number;
  /** Made when first asked for: 2^20 small arrays at once would delay every start. */
  readonly #members: (readonly DeviceId[] | undefined)[];
  /** Of the partitions that move. */
  readonly #voters = new Map<number, readonly DeviceId[]>();
  #tree: FailureTree | undefined;

  constructor(table: RingTable) {
    this.version = table.version;
    this.partitionPower = table.partitionPower;
    this.replicas = table.replicas;
    const byId: (RingDevice | undefined)[] = new Array((table.devices.at(-1)?.id ?? -1) + 1).fill(undefined);
    for (const device of table.devices) byId[device.id] = device;
    this.devices = Object.freeze(byId);
    this.#table = table;
    this.#shift64 = BigInt(64 - table.partitionPower);
    this.#shift32 = 32 - table.partitionPower;
    this.#members = new Array(2 ** table.partitionPower).fill(undefined);
    for (const { partition, device } of table.moves)
      this.#voters.set(partition, Object.freeze([...this.members(partition), device]));
  }

  partitionOf(hash: bigint): number {
    return Number(hash >> this.#shift64);
  }

  partitionOfHigh(highBits: number): number {
    // A shift by 32 would be one by 0.
    return this.#shift32 === 32 ? 0 : highBits >>> this.#shift32;
  }

  members(partition: number): readonly DeviceId[] {
    return this.#members[partition] ?? this.#readMembers(partition);
  }

  voters(partition: number): readonly DeviceId[] {
    if (this.#voters.size === 0) return this.members(partition);
    return this.#voters.get(partition) ?? this.members(partition);
  }

  epoch(partition: number): number {
    const epoch = this.#table.epochs[partition];
    if (epoch === undefined) throw notAPartition(partition);
    return epoch;
  }

  handoffs(partition: number): Iterable<DeviceId> {
    this.#tree ??= buildFailureTree(this.#table.devices);
    return handoffOrder(this.#tree, partition, this.members(partition));
  }

  #readMembers(partition: number): readonly DeviceId[] {
    if (this.#table.epochs[partition] === undefined) throw notAPartition(partition);
    const members: DeviceId[] = [];
    for (const row of this.#table.rows) {
      const id = row[partition] ?? NO_DEVICE;
      if (id !== NO_DEVICE) members.push(id as DeviceId);
    }
    return (this.#members[partition] = Object.freeze(members));
  }
}

function notAPartition(partition: number): RangeError {
  return new RangeError(`not a partition of this ring: ${partition}`);
}
