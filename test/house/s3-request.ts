/** One signed request to an S3 endpoint, with the keys that a shell would get from admin.env. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const aws4 = createRequire(import.meta.url)('aws4') as {
  sign(request: Record<string, unknown>, keys: Record<string, string>): { headers: Record<string, string> };
};

export interface ShellKeys {
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_SECRET_ACCESS_KEY: string;
  readonly AWS_ENDPOINT_URL: string;
}

/** The variables of lines `export NAME='value'`. */
export function exportedIn(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
  );
}

export function keysIn(envFile: string): ShellKeys {
  return exportedIn(readFileSync(envFile, 'utf8')) as unknown as ShellKeys;
}

export async function s3(keys: ShellKeys, method: string, path: string, body?: string): Promise<Response> {
  const { host } = new URL(keys.AWS_ENDPOINT_URL);
  const { headers } = aws4.sign(
    { service: 's3', region: 'us-east-1', method, host, path, ...(body === undefined ? {} : { body }) },
    { accessKeyId: keys.AWS_ACCESS_KEY_ID, secretAccessKey: keys.AWS_SECRET_ACCESS_KEY },
  );
  // fetch sets these itself, to the same values.
  const { Host: _host, 'Content-Length': _length, ...rest } = headers;
  return await fetch(`${keys.AWS_ENDPOINT_URL}${path}`, {
    method,
    headers: rest,
    ...(body === undefined ? {} : { body }),
  });
}

/** The head of a signed request whose body is not, as text: for who writes to a socket. */
export function signedHead(
  keys: ShellKeys,
  method: string,
  path: string,
  more: Readonly<Record<string, string | number>> = {},
): string {
  const { host } = new URL(keys.AWS_ENDPOINT_URL);
  const { headers } = aws4.sign(
    {
      service: 's3',
      region: 'us-east-1',
      method,
      host,
      path,
      headers: { 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' },
    },
    { accessKeyId: keys.AWS_ACCESS_KEY_ID, secretAccessKey: keys.AWS_SECRET_ACCESS_KEY },
  );
  const lines = Object.entries({ ...headers, ...more }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
