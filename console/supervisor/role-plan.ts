/** Which processes a cluster on one machine runs, and what each is told. Pure. */
import type { ClusterConfig } from '#common/config/cluster-config.ts';
import type { RoleConfig } from '#common/config/role-config.ts';
import type { DeviceId } from '#common/ids.ts';
import type { Address } from '#common/io/network.ts';
import type { ClusterIdentity } from './cluster-identity.ts';
import { type DataPaths, devicePath } from './data-paths.ts';

/** Storage processes are on this machine and talk to its proxies only. */
const STORAGE_HOST = '127.0.0.1';

export function objectsAddress(config: ClusterConfig): Address {
  return { host: config.objects.host, port: config.objects.port + config.portOffset };
}

export function controlAddress(config: ClusterConfig): Address {
  return { host: config.control.host, port: config.control.port + config.portOffset };
}

/**
 * The storage process of a device is its number modulo the processes: with as many zones as processes, or a multiple,
 * the death of a process takes devices of few zones, and most keys keep a majority.
 */
export function storageProcessOf(device: number, processes: number): number {
  return device % processes;
}

/** At most one storage process a device. */
export function storageProcesses(config: ClusterConfig, devices: number): number {
  return Math.min(config.storage.processes, devices);
}

export function storageAddress(config: ClusterConfig, process: number): Address {
  return { host: STORAGE_HOST, port: config.storage.portBase + config.portOffset + process };
}

export function deviceAddress(config: ClusterConfig, devices: number): (device: DeviceId) => Address {
  const processes = storageProcesses(config, devices);
  return (device) => storageAddress(config, storageProcessOf(device, processes));
}

/** @param devices the ids of the ring's devices. Storage first: proxies have nobody to ask before. */
export function planProcesses(
  config: ClusterConfig,
  identity: ClusterIdentity,
  paths: DataPaths,
  devices: readonly DeviceId[],
): RoleConfig[] {
  const processes = storageProcesses(config, devices.length);
  const shared = { ringFile: `${paths.ring}/ring`, clusterKeyFile: paths.clusterKey };
  const storage = Array.from({ length: processes }, (_, process): RoleConfig => {
    const own = devices.filter((device) => storageProcessOf(device, processes) === process);
    return {
      role: 'storage',
      config: {
        name: `storage-${process + 1}`,
        listen: storageAddress(config, process),
        ...shared,
        devices: own.map((id) => ({ id, path: devicePath(paths, identity.devicePaths, id) })),
        reserveBytes: config.storage.reserveBytes,
      },
    };
  });
  const proxies = Array.from(
    { length: config.proxy.processes },
    (_, process): RoleConfig => ({
      role: 'proxy',
      config: {
        name: `proxy-${process + 1}`,
        listen: objectsAddress(config),
        ...shared,
        usersFile: paths.users,
        region: config.objects.region,
        virtualHosts: config.objects.virtualHosts,
        bucketShards: config.objects.bucketShards,
        onlyProxy: config.proxy.processes === 1,
      },
    }),
  );
  return [...storage, ...proxies].filter(
    ({ role, config: own }) => role === 'proxy' || own.devices.length > 0,
  );
}
