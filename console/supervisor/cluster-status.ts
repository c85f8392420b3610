/** What the control API tells of a cluster, and how much of it is there. */
import type { MoverStatus } from '#cluster/rebalance/mover.ts';
import type { ServiceJson } from '#control/membership/service-routes.ts';
import type { DeviceId } from '#common/ids.ts';
import type { Ring } from '#ring/ring.ts';

export interface ProcessStatus {
  /** A process that serves devices and clients is there twice, once in each role. */
  readonly role: 'supervisor' | 'storage' | 'proxy' | 'control';
  readonly name: string;
  /** Absent while it restarts. */
  readonly pid?: number;
  readonly ports: readonly number[];
  readonly state: 'starting' | 'ready' | 'restarting' | 'stopping' | 'stopped';
  readonly restarts: number;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** `down` is a device whose process does not answer; its numbers are those of a device that nobody asked. */
export interface DeviceStatus {
  readonly id: number;
  readonly path: string;
  readonly zone: number;
  readonly process: string;
  readonly health: 'ok' | 'full' | 'failed' | 'down';
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly records: number;
  readonly tombstones: number;
  readonly blobs: number;
  readonly blobBytes: number;
  readonly logBytes: number;
  readonly logDeadBytes: number;
}

/** Partitions by their members: all serve, a majority serves, fewer. */
export interface PartitionCounts {
  readonly count: number;
  readonly healthy: number;
  readonly degraded: number;
  readonly unavailable: number;
}

export interface ClusterStatus {
  readonly version: string;
  readonly clusterId: string;
  readonly ringVersion: number;
  readonly processes: readonly ProcessStatus[];
  readonly devices: readonly DeviceStatus[];
  readonly partitions: PartitionCounts;
  /** Absent while the cluster starts. */
  readonly moves?: MoverStatus;
  /** Every process of the cluster, on whatever machine, as control knows them; absent while control does not answer. */
  readonly services?: readonly ServiceJson[];
  readonly endpoints: { readonly objects: string; readonly control: string };
}

export function countPartitions(ring: Ring, serves: (device: DeviceId) => boolean): PartitionCounts {
  const count = 2 ** ring.partitionPower;
  let healthy = 0;
  let degraded = 0;
  for (let partition = 0; partition < count; partition++) {
    const members = ring.members(partition);
    const up = members.filter(serves).length;
    if (up === members.length) healthy++;
    else if (up > members.length / 2) degraded++;
  }
  return { count, healthy, degraded, unavailable: count - healthy - degraded };
}

const UNKNOWN = {
  totalBytes: 0,
  freeBytes: 0,
  records: 0,
  tombstones: 0,
  blobs: 0,
  blobBytes: 0,
  logBytes: 0,
  logDeadBytes: 0,
};

export interface DevicePlace {
  readonly id: number;
  readonly path: string;
  readonly zone: number;
  readonly process: string;
}

/** @param usages by device id, what the storage processes that answered said (`DeviceUsage` each). */
export function deviceStatuses(
  places: readonly DevicePlace[],
  usages: ReadonlyMap<number, Partial<DeviceStatus>>,
): DeviceStatus[] {
  return places.map((place) => {
    const usage = usages.get(place.id);
    if (usage === undefined) return { ...place, health: 'down', ...UNKNOWN };
    return { health: 'ok', ...UNKNOWN, ...usage, ...place };
  });
}

/** A full device still reads, removes and votes. */
export function isServing({ health }: DeviceStatus): boolean {
  return health === 'ok' || health === 'full';
}

/** Takes no part: an I/O error has taken it out. */
export function isOut({ health }: Partial<DeviceStatus>): boolean {
  return health === 'failed';
}

/** `{ devices: [{ id, …DeviceUsage }] }` of a storage role, from a process that may be of any version. */
export function devicesIn(status: unknown): Map<number, Partial<DeviceStatus>> {
  const { devices } = Object(status) as { devices?: unknown };
  const found = new Map<number, Partial<DeviceStatus>>();
  for (const device of Array.isArray(devices) ? devices : []) {
    const { id } = Object(device) as { id?: unknown };
    if (typeof id === 'number') found.set(id, device as Partial<DeviceStatus>);
  }
  return found;
}

/** `{ services: [ … ] }` of the control role. */
export function servicesIn(status: unknown): readonly ServiceJson[] | undefined {
  const { services } = Object(status) as { services?: unknown };
  return Array.isArray(services) ? (services as ServiceJson[]) : undefined;
}
