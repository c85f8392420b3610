/** Files that a shell sources to make clients work: `export NAME='value'` lines. */
import type { Address } from '#common/io/network.ts';

export interface ClientKeys {
  readonly name: string;
  readonly accountName: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/**
 * The variables that AWS's own clients read (AWS SDKs and Tools Reference Guide, "Settings reference"), and the `swift`
 * program (python-swiftclient, "CLI options", version 1 authentication).
 */
export function objectClientEnv(keys: ClientKeys, objects: Address, region: string): string {
  const endpoint = `http://${reachableHost(objects)}:${objects.port}`;
  return exportLines({
    AWS_ACCESS_KEY_ID: keys.accessKey,
    AWS_SECRET_ACCESS_KEY: keys.secretKey,
    AWS_ENDPOINT_URL: endpoint,
    AWS_DEFAULT_REGION: region,
    // Beside variables for OpenStack's identity, the `swift` program has to be told which are meant.
    ST_AUTH_VERSION: '1.0',
    ST_AUTH: `${endpoint}/auth/v1.0`,
    ST_USER: `${keys.accountName}:${keys.name}`,
    ST_KEY: keys.secretKey,
  });
}

export function exportLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('');
}

/** A host that a client on this machine can connect to: an address that means "all interfaces" is none. */
export function reachableHost({ host }: Address): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
