/** Which processes a cluster on one machine runs, and what each is told. Pure. */
import { join } from 'node:path';
import { type ClusterConfig, controlPortsOf, processesOf } from '#common/config/cluster-config.ts';
import type { RoleConfig } from '#common/config/role-config.ts';
import type { ProxyRoleConfig, StorageRoleConfig } from '#common/config/roles.ts';
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

/** Where the processes of this machine follow identity. */
export function feedAddress(config: ClusterConfig): Address {
  return { host: STORAGE_HOST, port: controlPortsOf(config).feedPort + config.portOffset };
}

/** Where the supervisor tells its status. */
export function statusAddress(config: ClusterConfig): Address {
  return { host: STORAGE_HOST, port: controlPortsOf(config).statusPort + config.portOffset };
}

/**
 * The process of a device is its number modulo the processes: with as many zones as processes, or a multiple,
 * the death of a process takes devices of few zones, and most keys keep a majority.
 */
export function storageProcessOf(device: number, processes: number): number {
  return device % processes;
}

/** At most one process a device. */
export function storageProcesses(config: ClusterConfig, devices: number): number {
  return Math.min(processesOf(config), devices);
}

export function storageAddress(config: ClusterConfig, process: number): Address {
  return { host: STORAGE_HOST, port: config.storage.portBase + config.portOffset + process };
}

export function deviceAddress(config: ClusterConfig, devices: number): (device: DeviceId) => Address {
  const processes = storageProcesses(config, devices);
  return (device) => storageAddress(config, storageProcessOf(device, processes));
}

/** Where the process of that place in the plan serves its metrics. */
export function metricsAddress(config: ClusterConfig, place: number): Pick<RoleConfig, 'metrics'> {
  const { enabled, host, portBase } = config.metrics;
  return enabled ? { metrics: { host, port: portBase + config.portOffset + place } } : {};
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
  const storage = (name: string, process: number): StorageRoleConfig => ({
    name,
    listen: storageAddress(config, process),
    ...shared,
    devices: devices
      .filter((device) => storageProcessOf(device, processes) === process)
      .map((id) => ({ id, path: devicePath(paths, identity.devicePaths, id) })),
    reserveBytes: config.storage.reserveBytes,
    newVoters: false,
  });
  const proxy = (name: string, count: number): ProxyRoleConfig => ({
    name,
    listen: objectsAddress(config),
    ...shared,
    usersFile: paths.users,
    identity: {
      feed: feedAddress(config),
      cacheFile: join(paths.credentials, `identity-${name}.cache`),
      cacheSeconds: config.proxy.identityCacheSeconds,
    },
    region: config.objects.region,
    virtualHosts: config.objects.virtualHosts,
    bucketShards: config.objects.bucketShards,
    requestsMax: config.proxy.requestsMax,
    onlyProxy: count === 1,
    sweep: config.sweep,
  });
  if (!config.apart) {
    return numbered(processes, 'node', (name, process) => ({
      role: 'node',
      config: { name, storage: storage(name, process), proxy: proxy(name, processes) },
    }));
  }
  return [
    ...numbered(processes, 'storage', (name, process) => ({
      role: 'storage',
      config: storage(name, process),
    })),
    ...numbered(config.proxy.processes, 'proxy', (name) => ({
      role: 'proxy',
      config: proxy(name, config.proxy.processes),
    })),
  ];
}

function numbered(
  count: number,
  kind: string,
  plan: (name: string, process: number) => RoleConfig,
): RoleConfig[] {
  return Array.from({ length: count }, (_, process) => plan(`${kind}-${process + 1}`, process));
}

/** The devices that a process serves. */
export function devicesOfRole(role: RoleConfig): StorageRoleConfig['devices'] {
  if (role.role === 'node') return role.config.storage.devices;
  return role.role === 'storage' ? role.config.devices : [];
}

/**
 * The plan with these devices: one that is new goes to the process of its number, the others stay where they are.
 * A role whose devices stay is the same object.
 */
export function withDevices(
  plan: readonly RoleConfig[],
  devices: readonly DeviceId[],
  pathOf: (device: DeviceId) => string,
): RoleConfig[] {
  const served = new Set(plan.flatMap(devicesOfRole).map(({ id }) => id));
  const added = devices.filter((id) => !served.has(id));
  const storing = plan.filter(servesDevices);
  return plan.map((role) => {
    const kept = devicesOfRole(role).filter(({ id }) => devices.includes(id));
    const own = added.filter((id) => storing[storageProcessOf(id, storing.length)] === role);
    if (own.length === 0 && kept.length === devicesOfRole(role).length) return role;
    const next = [...kept, ...own.map((id) => ({ id, path: pathOf(id) }))];
    if (role.role === 'storage') return { ...role, config: { ...role.config, devices: next } };
    if (role.role !== 'node') return role;
    return { ...role, config: { ...role.config, storage: { ...role.config.storage, devices: next } } };
  });
}

/** Where each device is served, by its number. */
export function addressesOf(plan: readonly RoleConfig[]): Map<DeviceId, Address> {
  const addresses = new Map<DeviceId, Address>();
  for (const role of plan) {
    if (role.role === 'proxy' || role.role === 'control') continue;
    const { listen } = role.role === 'node' ? role.config.storage : role.config;
    for (const { id } of devicesOfRole(role)) addresses.set(id, listen);
  }
  return addresses;
}

export function servesClients({ role }: Pick<RoleConfig, 'role'>): boolean {
  return role === 'proxy' || role === 'node';
}

export function servesDevices({ role }: Pick<RoleConfig, 'role'>): boolean {
  return role === 'storage' || role === 'node';
}
