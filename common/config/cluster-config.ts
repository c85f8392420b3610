/** The one file of `holdfast up`: its settings, their defaults, and what must hold between them. */
import { dirname, resolve } from 'node:path';
import { HoldfastError } from '#common/errors.ts';
import { controlEtcd, etcdConfig } from './etcd-config.ts';
import { loadConfig } from './load.ts';
import { defaultTo, fallbacks, list, mapping, optional, required, section, type ValueOf } from './schema.ts';
import { identitySection } from './identity-config.ts';
import { identityCacheSeconds } from './proxy-identity-config.ts';
import { proxyRequestsMax } from './proxy-limits-config.ts';
import { sweepSection } from './sweep-config.ts';
import { flag, bytes, domain, host, integer, path, port, text } from './values.ts';

export const DEVICES_MAX = 256;
export const DEFAULT_DEVICES = 4;

const userName = text(
  'a name of at most 64 letters, digits, and . _ - (a letter or digit first)',
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
);

const objects = {
  host: defaultTo('127.0.0.1', host, 'Address on which S3 is served; 0.0.0.0 for every interface.'),
  port: defaultTo(8080, port, 'TCP port of S3, before portOffset is added.'),
  region: defaultTo(
    'us-east-1',
    text('a region name in lower case', /^[a-z0-9][a-z0-9-]{0,62}$/),
    'The region that clients sign for and that GetBucketLocation names.',
  ),
  virtualHosts: defaultTo(
    [],
    list(domain, 32),
    'Host names under which BUCKET.NAME addresses a bucket; path style always works.',
  ),
  bucketShards: defaultTo(
    4,
    integer(1, 1024),
    'Index shards of a bucket made from now on: more spread its listing and its writes over more devices.',
  ),
};

const control = {
  host: defaultTo(
    '127.0.0.1',
    host,
    'Address on which identity (Keystone) is served; 0.0.0.0 for every interface.',
  ),
  port: defaultTo(5000, port, 'TCP port of identity, before portOffset is added.'),
  feedPort: optional(
    port,
    'TCP port at which the cluster’s own processes follow identity; the next one after port.',
  ),
  statusPort: optional(
    port,
    'TCP port of the supervisor on this machine alone, which `holdfast status` asks; the next but one after port.',
  ),
  etcd: controlEtcd,
};

const storage = {
  processes: optional(
    integer(1, 64),
    'Processes that serve devices: 1, or 4 when apart. Device N belongs to process N modulo this; at most one a device.',
  ),
  reserveBytes: defaultTo(
    256 * 2 ** 20,
    bytes(0, 2 ** 50),
    'Free bytes on a device under which it refuses writes. Reads and deletes go on.',
  ),
  portBase: defaultTo(
    6200,
    port,
    'TCP port of the first storage process, before portOffset is added; the others follow it.',
  ),
};

const proxy = {
  processes: defaultTo(
    1,
    integer(1, 64),
    'Processes that serve S3 and Swift when apart, all on the same port.',
  ),
  requestsMax: proxyRequestsMax,
  identityCacheSeconds,
};

const metrics = {
  enabled: defaultTo(
    true,
    flag,
    'Whether each process answers GET /metrics, for Prometheus, on a port of its own.',
  ),
  host: defaultTo(
    '127.0.0.1',
    host,
    'Address on which metrics are served, to whoever bears the token in DATA/credentials/metrics.token.',
  ),
  portBase: defaultTo(
    9460,
    port,
    'TCP port of the first process’s metrics, before portOffset is added; the others follow it.',
  ),
};

const user = {
  name: required(userName, 'Name of the user.'),
  account: optional(userName, "Account whose buckets the user sees; the user's own name when left out."),
};

export const clusterFields = {
  data: defaultTo(
    './data',
    path,
    'Folder that holds the cluster. From the command line, relative to where it is called.',
  ),
  devices: optional(
    integer(1, DEVICES_MAX),
    'Devices of a new cluster: the length of devicePaths, else 4. Fixed at the first start.',
  ),
  zones: optional(
    integer(1, DEVICES_MAX),
    'Zones over which the devices of a new cluster are spread: as many as devices, at most 4. Fixed at the first start.',
  ),
  portOffset: defaultTo(
    0,
    integer(0, 50_000),
    'Added to every port, so that two clusters stand side by side.',
  ),
  devicePaths: defaultTo(
    [],
    list(path, DEVICES_MAX),
    'Folders of the devices, one a device, such as mounted disks; DATA/devices/dN when empty.',
  ),
  apart: defaultTo(
    false,
    flag,
    'Whether clients and devices are served by processes of their own. Together they cost less; apart, the death of a device’s process breaks no client’s connection.',
  ),
  objects: section(objects, 'The S3 endpoint.'),
  control: section(control, 'The control process: identity.'),
  identity: identitySection,
  storage: section(storage, 'The storage processes.'),
  proxy: section(proxy, 'The proxy processes.'),
  metrics: section(metrics, 'What processes count of themselves.'),
  sweep: sweepSection,
  users: defaultTo(
    [],
    list(mapping(user), 1000),
    'Users that are made, with keys of their own, at the next start when they are not there yet.',
  ),
};

export type ClusterConfig = ValueOf<typeof clusterFields>;
export type UserConfig = ValueOf<typeof user>;

/** What the command line says; it stands above the file. */
export interface ClusterOverrides {
  readonly data?: string | undefined;
  readonly devices?: number | undefined;
  readonly zones?: number | undefined;
  readonly portOffset?: number | undefined;
}

export function defaultClusterConfig(): ClusterConfig {
  return fallbacks(clusterFields);
}

/**
 * The file's settings (paths in it taken from its own folder) under the overrides (paths in them taken from `from`).
 * Throws `configuration-invalid`.
 */
export function loadClusterConfig(
  fileName: string | undefined,
  overrides: ClusterOverrides,
  from: string,
): ClusterConfig {
  const base = fileName === undefined ? defaultClusterConfig() : loadClusterFile(resolve(from, fileName));
  const config: ClusterConfig = {
    ...base,
    data: resolve(from, overrides.data ?? base.data),
    devices: overrides.devices ?? base.devices,
    zones: overrides.zones ?? base.zones,
    portOffset: overrides.portOffset ?? base.portOffset,
  };
  checkTogether(config);
  return config;
}

function loadClusterFile(fileName: string): ClusterConfig {
  const config = loadConfig(fileName, clusterFields);
  const folder = dirname(fileName);
  return {
    ...config,
    data: resolve(folder, config.data),
    devicePaths: config.devicePaths.map((devicePath) => resolve(folder, devicePath)),
    control: { ...config.control, etcd: config.control.etcd && etcdConfig(config.control.etcd, folder) },
  };
}

/** Devices of a new cluster under this configuration. */
export function devicesOf(config: ClusterConfig): number {
  return config.devices ?? (config.devicePaths.length || DEFAULT_DEVICES);
}

/** Zones of a new cluster under this configuration. */
export function zonesOf(config: ClusterConfig): number {
  return config.zones ?? Math.min(4, devicesOf(config));
}

/** Before portOffset is added. */
export function controlPortsOf({ control: { port: first, feedPort, statusPort } }: ClusterConfig) {
  return { port: first, feedPort: feedPort ?? first + 1, statusPort: statusPort ?? first + 2 };
}

const PROCESSES_TOGETHER = 1;
const PROCESSES_APART = 4;

/** Processes that serve devices, when there are as many devices. */
export function processesOf({ storage: { processes }, apart }: ClusterConfig): number {
  return processes ?? (apart ? PROCESSES_APART : PROCESSES_TOGETHER);
}

function checkTogether(config: ClusterConfig): void {
  const { devicePaths, objects: s3, storage: nodes, portOffset } = config;
  const problems: string[] = [];
  if (devicePaths.length > 0 && config.devices !== undefined && config.devices !== devicePaths.length)
    problems.push(`devices is ${config.devices}, but devicePaths names ${devicePaths.length} folders`);
  if (new Set(devicePaths).size !== devicePaths.length) problems.push('devicePaths names a folder twice');
  if (config.zones !== undefined && config.devices !== undefined && config.zones > config.devices)
    problems.push(`zones is ${config.zones}: more than the ${config.devices} devices that could fill them`);
  const named = new Set<string>();
  for (const { name } of config.users) {
    if (named.has(name)) problems.push(`users names ${name} twice`);
    named.add(name);
  }
  const ports = [
    s3.port,
    ...Object.values(controlPortsOf(config)),
    ...Array.from({ length: processesOf(config) }, (_, n) => nodes.portBase + n),
  ];
  if (new Set(ports).size !== ports.length)
    problems.push(`two services would share a port: ${ports.map((p) => p + portOffset).join(', ')}`);
  if (ports.some((p) => p + portOffset > 65_535))
    problems.push(`portOffset is ${portOffset}: it lifts a port above 65535`);
  if (problems.length > 0) throw new HoldfastError('configuration-invalid', problems.join('\n'));
}
