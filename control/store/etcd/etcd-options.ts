/** Where an etcd is, and how it is spoken to. */
import { HoldfastError } from '#common/errors.ts';

export interface EtcdOptions {
  /** `host:port`, `http://host:port` or `https://host:port`; all members of one etcd, in any order. */
  readonly endpoints: readonly string[];
  /** Stands before every key. Two installations in one etcd have two; ETCD_PREFIX_DEFAULT when left out. */
  readonly prefix?: string;
  /** PEM texts; `https` endpoints need none of them when the system knows who signed etcd's certificate. */
  readonly tls?: {
    readonly authorities?: Buffer;
    /** The client's own certificate, where etcd asks for one. */
    readonly certificate?: Buffer;
    readonly privateKey?: Buffer;
  };
  /** Where etcd's authentication is on. */
  readonly user?: { readonly name: string; readonly password: string };
  /** For one request over all endpoints, milliseconds. */
  readonly timeoutMs?: number;
}

export const ETCD_TIMEOUT_MS = 10_000;
const ENDPOINTS_MAX = 32;
const PREFIX_BYTES_MAX = 256;

export interface EtcdEndpoint {
  readonly address: string;
  readonly isSecure: boolean;
}

/** @throws `configuration-invalid` with a sentence on what is wrong. */
export function readEndpoints(endpoints: readonly string[]): EtcdEndpoint[] {
  if (endpoints.length < 1 || endpoints.length > ENDPOINTS_MAX)
    throw new HoldfastError('configuration-invalid', `etcd needs 1 to ${ENDPOINTS_MAX} endpoints`);
  const read = endpoints.map((endpoint) => {
    const found = /^(?:(https?):\/\/)?([^/\s:]+|\[[0-9a-fA-F:]+\]):(\d{1,5})\/?$/.exec(endpoint);
    if (found === null || Number(found[3]) > 65_535)
      throw new HoldfastError('configuration-invalid', `"${endpoint}" is no endpoint of etcd: host:port`);
    return { address: `${found[2]}:${found[3]}`, isSecure: found[1] === 'https' };
  });
  if (read.some(({ isSecure }) => isSecure !== read[0]?.isSecure))
    throw new HoldfastError('configuration-invalid', 'all endpoints of etcd are http, or all are https');
  return read;
}

export function checkPrefix(prefix: string): void {
  if (!/^[!-~]+$/.test(prefix) || prefix.length > PREFIX_BYTES_MAX)
    throw new HoldfastError(
      'configuration-invalid',
      `etcd's prefix is 1 to ${PREFIX_BYTES_MAX} printable ASCII characters`,
    );
}
