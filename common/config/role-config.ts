/** The file of `holdfast serve ROLE`: one section named for the role. `holdfast up` writes the same for its processes. */
import { dirname, resolve } from 'node:path';
import { stringify } from 'yaml';
import { deviceId } from '#common/ids.ts';
import type { Address } from '#common/io/network.ts';
import { controlEtcd, etcdConfig } from './etcd-config.ts';
import { loadConfig } from './load.ts';
import { identitySection } from './identity-config.ts';
import type { ControlRoleConfig, NodeRoleConfig, ProxyRoleConfig, StorageRoleConfig } from './roles.ts';
import { defaultTo, list, mapping, optional, required, section, type ValueOf } from './schema.ts';
import { proxyIdentity } from './proxy-identity-config.ts';
import { proxyRequestsMax } from './proxy-limits-config.ts';
import { sweepSection } from './sweep-config.ts';
import { bytes, domain, flag, host, integer, path, port, text } from './values.ts';

const processName = text('a name such as storage-1', /^[a-z0-9][a-z0-9-]{0,63}$/);

const listen = section(
  {
    host: required(host, 'Address to listen on.'),
    port: required(port, 'TCP port to listen on.'),
  },
  'Where the role listens.',
);

const ringFile = required(path, 'The ring.');
const clusterKeyFile = required(
  path,
  'File with the cluster key: 32 bytes as hexadecimal digits, mode 0600.',
);
const name = required(processName, 'Name of the process, unique in the cluster.');

const device = {
  id: required(integer(0, 65_535), 'Number of the device in the ring.'),
  path: required(path, 'Folder that holds the device.'),
};

const metrics = optional(
  mapping({
    host: defaultTo('127.0.0.1', host, 'Address on which metrics are served.'),
    port: required(port, 'TCP port on which metrics are served.'),
  }),
  'Where the process answers GET /metrics, for whoever bears the token for metrics; nowhere when left out.',
);

const membership = optional(
  mapping({
    host: required(host, 'Address of control’s feed.'),
    port: required(port, 'Its TCP port.'),
  }),
  'Where the process registers and is told of the ring; when left out, a proxy goes to identity.feed, control to its own feed, and a storage process nowhere.',
);

export const storageRoleFields = {
  metrics,
  membership,
  storage: section(
    {
      name,
      listen,
      ringFile,
      clusterKeyFile,
      devices: required(
        list(mapping(device), 256),
        'The devices that the process serves: id and path of each.',
      ),
      reserveBytes: defaultTo(
        256 * 2 ** 20,
        bytes(0, 2 ** 50),
        'Free bytes on a device under which it refuses writes.',
      ),
      newVoters: defaultTo(
        true,
        flag,
        'Whether a device that has a vote in the ring may begin as an empty folder, as in a new cluster. `holdfast up` says false: an empty folder in the place of a disk that is not mounted would deny what its device accepted.',
      ),
      segmentBytes: optional(
        bytes(16 * 2 ** 10, 2 ** 30),
        'Length from which on a segment of a device’s log is sealed; 64 MiB when left out.',
      ),
      compactionSeconds: optional(
        integer(1, 86_400),
        'Pause between two looks for segments that are worth compacting; 10 when left out.',
      ),
    },
    'The storage role.',
  ),
};

export const proxyRoleFields = {
  metrics,
  membership,
  proxy: section(
    {
      name,
      listen,
      ringFile,
      clusterKeyFile,
      usersFile: required(path, 'The users and their keys, mode 0600; read again when it changes.'),
      identity: proxyIdentity,
      region: defaultTo(
        'us-east-1',
        text('a region name', /^[a-z0-9][a-z0-9-]{0,62}$/),
        'As objects.region.',
      ),
      virtualHosts: defaultTo([], list(domain, 32), 'As objects.virtualHosts.'),
      bucketShards: defaultTo(4, integer(1, 1024), 'As objects.bucketShards.'),
      requestsMax: proxyRequestsMax,
      onlyProxy: defaultTo(false, flag, 'Whether this is the cluster’s only proxy process.'),
      sweep: sweepSection,
    },
    'The proxy role.',
  ),
};

const service = {
  type: required(text('a service’s type', /^[a-z0-9-]{1,64}$/), 'Its type, such as object-store.'),
  name: required(text('a service’s name', /^[a-z0-9-]{1,64}$/), 'Its name, such as swift.'),
  url: required(text('a URL', /^https?:\/\/[!-~]{1,1024}$/), 'Where it is.'),
};

export const controlRoleFields = {
  control: section(
    {
      name,
      listen,
      feed: section(
        {
          host: required(host, 'Address to listen on.'),
          port: required(port, 'TCP port to listen on.'),
        },
        'Where the cluster’s own processes follow identity.',
      ),
      clusterKeyFile,
      ringFile: optional(path, 'The ring; usage and quotas of objects are not served when it is left out.'),
      storePath: required(path, 'Folder of the control store.'),
      etcd: controlEtcd,
      adminPasswordFile: required(path, 'File with the password that the administrator is given, mode 0600.'),
      adminProjectId: optional(
        text('32 hexadecimal digits', /^[0-9a-f]{32}$/),
        'Id of the admin project, when it is made; a new one when left out.',
      ),
      region: defaultTo(
        'us-east-1',
        text('a region name', /^[a-z0-9][a-z0-9-]{0,62}$/),
        'As objects.region.',
      ),
      services: defaultTo([], list(mapping(service), 64), 'The services that the catalogue names.'),
      identity: identitySection,
    },
    'The control role.',
  ),
  metrics,
  membership,
};

const nodeRoleFields = { ...storageRoleFields, ...proxyRoleFields };

/** `node`: storage and proxy in one process; its file has the sections of both. */
export type RoleName = 'storage' | 'proxy' | 'node' | 'control';
export const roleNames: readonly RoleName[] = ['node', 'storage', 'proxy', 'control'];

export type RoleConfig = (
  | { readonly role: 'storage'; readonly config: StorageRoleConfig }
  | { readonly role: 'proxy'; readonly config: ProxyRoleConfig }
  | { readonly role: 'node'; readonly config: NodeRoleConfig }
  | { readonly role: 'control'; readonly config: ControlRoleConfig }
) & {
  /** Where the process serves its metrics. */
  readonly metrics?: Address;
  /** Where it registers and is told of the ring. */
  readonly membership?: Address;
};

/** Relative paths are taken from the file's own folder. Throws `configuration-invalid`. */
export function loadRoleConfig(role: RoleName, fileName: string): RoleConfig {
  const folder = dirname(resolve(fileName));
  if (role === 'node') {
    const both = loadConfig(fileName, nodeRoleFields);
    const storage = storageConfig(both, folder);
    const config = { name: storage.name, storage, proxy: proxyConfig(both, folder) };
    return { role, config, ...addressesOf(both) };
  }
  if (role === 'storage') {
    const read = loadConfig(fileName, storageRoleFields);
    return { role, config: storageConfig(read, folder), ...addressesOf(read) };
  }
  if (role === 'control') {
    const read = loadConfig(fileName, controlRoleFields);
    return { role, config: controlConfig(read, folder), ...addressesOf(read) };
  }
  const read = loadConfig(fileName, proxyRoleFields);
  return { role, config: proxyConfig(read, folder), ...addressesOf(read) };
}

function addressesOf({
  metrics: at,
  membership: control,
}: {
  readonly metrics: Address | undefined;
  readonly membership: Address | undefined;
}): Pick<RoleConfig, 'metrics' | 'membership'> {
  return {
    ...(at === undefined ? {} : { metrics: at }),
    ...(control === undefined ? {} : { membership: control }),
  };
}

/** The text of the file that `loadRoleConfig` reads. */
export function roleConfigText(role: RoleConfig): string {
  const head = '# Written by `holdfast up` at each start; change the cluster’s own configuration instead.\n';
  const more = addressesOf({ metrics: role.metrics, membership: role.membership });
  if (role.role !== 'node') return head + stringify({ [role.role]: role.config, ...more });
  const { storage, proxy } = role.config;
  return head + stringify({ storage, proxy, ...more });
}

function storageConfig({ storage }: ValueOf<typeof storageRoleFields>, folder: string): StorageRoleConfig {
  const { segmentBytes, compactionSeconds, ...given } = storage;
  return {
    ...given,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
    ...(compactionSeconds === undefined ? {} : { compactionSeconds }),
    ringFile: resolve(folder, storage.ringFile),
    clusterKeyFile: resolve(folder, storage.clusterKeyFile),
    devices: storage.devices.map((entry) => ({ id: deviceId(entry.id), path: resolve(folder, entry.path) })),
  };
}

function controlConfig({ control }: ValueOf<typeof controlRoleFields>, folder: string): ControlRoleConfig {
  const { adminProjectId, ringFile: ring, ...given } = control;
  return {
    ...given,
    ...(adminProjectId === undefined ? {} : { adminProjectId }),
    ...(ring === undefined ? {} : { ringFile: resolve(folder, ring) }),
    clusterKeyFile: resolve(folder, control.clusterKeyFile),
    storePath: resolve(folder, control.storePath),
    etcd: control.etcd && etcdConfig(control.etcd, folder),
    adminPasswordFile: resolve(folder, control.adminPasswordFile),
  };
}

function proxyConfig({ proxy }: ValueOf<typeof proxyRoleFields>, folder: string): ProxyRoleConfig {
  const { identity, ...given } = proxy;
  return {
    ...given,
    ringFile: resolve(folder, proxy.ringFile),
    clusterKeyFile: resolve(folder, proxy.clusterKeyFile),
    usersFile: resolve(folder, proxy.usersFile),
    ...(identity === undefined
      ? {}
      : { identity: { ...identity, cacheFile: resolve(folder, identity.cacheFile) } }),
  };
}
