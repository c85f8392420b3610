/** What OpenStack's own clients read (os-client-config): variables of a shell, and `clouds.yaml`. */
import { stringify } from 'yaml';
import type { Address } from '#common/io/network.ts';
import { exportLines, reachableHost } from './shell-env.ts';

export interface OpenStackLogin {
  readonly identity: Address;
  readonly region: string;
  readonly userName: string;
  readonly projectName: string;
  readonly password: string;
}

function authUrl({ identity }: OpenStackLogin): string {
  return `http://${reachableHost(identity)}:${identity.port}/identity/v3`;
}

export function openStackEnv(login: OpenStackLogin): string {
  return exportLines({
    OS_AUTH_URL: authUrl(login),
    OS_IDENTITY_API_VERSION: '3',
    OS_USERNAME: login.userName,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PASSWORD: login.password,
    OS_PROJECT_NAME: login.projectName,
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: login.region,
  });
}

/** `openstack --os-cloud holdfast …` */
export function cloudsYaml(login: OpenStackLogin): string {
  return stringify({
    clouds: {
      holdfast: {
        auth: {
          auth_url: authUrl(login),
          username: login.userName,
          user_domain_name: 'Default',
          password: login.password,
          project_name: login.projectName,
          project_domain_name: 'Default',
        },
        region_name: login.region,
        identity_api_version: 3,
      },
    },
  });
}
