/** How a proxy follows identity: one section of its role's file. */
import { defaultTo, optionalSection, required, section, type ValueOf } from './schema.ts';
import { host, integer, path, port } from './values.ts';

const CACHE_SECONDS_DEFAULT = 86_400;

/** Also in a cluster's file, under `proxy`. */
export const identityCacheSeconds = defaultTo(
  CACHE_SECONDS_DEFAULT,
  integer(0, 30 * 86_400),
  'How long tokens and keys are good that identity told of, when it is not heard of any more.',
);

const fields = {
  feed: section(
    { host: required(host, 'Address of the control role’s feed.'), port: required(port, 'Its TCP port.') },
    'Where identity is followed.',
  ),
  cacheFile: required(path, 'Where what identity told is kept over a restart, sealed, mode 0600.'),
  cacheSeconds: identityCacheSeconds,
};

export const proxyIdentity = optionalSection(
  fields,
  'Identity; when left out, the users file’s users are all there are.',
);

export type ProxyIdentityConfig = ValueOf<typeof fields>;
