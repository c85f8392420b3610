/** Where the control store's etcd is, as a configuration names it. */
import { resolve } from 'node:path';
import { defaultTo, list, optional, optionalSection, required, type ValueOf } from './schema.ts';
import { path, text } from './values.ts';

const ENDPOINTS_MAX = 32;
export const ETCD_PREFIX_DEFAULT = '/holdfast/';

export const etcdFields = {
  endpoints: required(
    list(
      text('an endpoint of etcd, such as https://10.0.0.1:2379', /^(?:https?:\/\/)?[^\s/]{1,260}:\d{1,5}$/),
      ENDPOINTS_MAX,
    ),
    'All members of one etcd: host:port, http://host:port or https://host:port.',
  ),
  prefix: defaultTo(
    ETCD_PREFIX_DEFAULT,
    text('1 to 256 printable ASCII characters', /^[!-~]{1,256}$/),
    'Stands before every key; two clusters in one etcd have two.',
  ),
  authorityFile: optional(
    path,
    'PEM file of who signed the members’ certificates; the system’s own when left out.',
  ),
  certificateFile: optional(path, 'PEM file of the certificate that is shown to etcd.'),
  privateKeyFile: optional(path, 'PEM file of its private key, mode 0600.'),
  user: optional(text('a user of etcd', /^[!-~]{1,256}$/), 'The user, where etcd’s authentication is on.'),
  passwordFile: optional(path, 'File with the user’s password, mode 0600.'),
};

/** Within the section of the control process. */
export const controlEtcd = optionalSection(
  etcdFields,
  'The etcd that holds users and resources; files in DATA/control when left out. `holdfast control migrate` moves them.',
);

export type EtcdConfig = ValueOf<typeof etcdFields>;

/** Its files as seen from `folder`. */
export function etcdConfig(given: EtcdConfig, folder: string): EtcdConfig {
  const from = (file: string | undefined): string | undefined => file && resolve(folder, file);
  return {
    ...given,
    authorityFile: from(given.authorityFile),
    certificateFile: from(given.certificateFile),
    privateKeyFile: from(given.privateKeyFile),
    passwordFile: from(given.passwordFile),
  };
}
