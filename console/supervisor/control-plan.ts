/** What the control process is told. Pure. */
import type { ClusterConfig } from '#common/config/cluster-config.ts';
import type { RoleConfig } from '#common/config/role-config.ts';
import type { Address } from '#common/io/network.ts';
import type { SpaceId } from '#common/ids.ts';
import type { DataPaths } from './data-paths.ts';
import { controlAddress, feedAddress, objectsAddress } from './role-plan.ts';
import { reachableHost } from './shell-env.ts';

/** @param adminAccount the administrator's account in the object store, which becomes the admin project's. */
export function planControl(config: ClusterConfig, paths: DataPaths, adminAccount: SpaceId): RoleConfig {
  const url = (address: Address) => `http://${reachableHost(address)}:${address.port}`;
  return {
    role: 'control',
    config: {
      name: 'control-1',
      listen: controlAddress(config),
      feed: feedAddress(config),
      clusterKeyFile: paths.clusterKey,
      ringFile: `${paths.ring}/ring`,
      storePath: paths.controlStore,
      etcd: config.control.etcd,
      adminPasswordFile: paths.adminPassword,
      adminProjectId: adminAccount,
      region: config.objects.region,
      services: [
        { type: 'identity', name: 'keystone', url: `${url(controlAddress(config))}/identity` },
        { type: 'object-store', name: 'swift', url: `${url(objectsAddress(config))}/v1/AUTH_%(project_id)s` },
      ],
      identity: config.identity,
    },
  };
}
