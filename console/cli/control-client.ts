/** Asks the control API of the cluster in a data directory. */
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { readClusterKey } from '#common/config/cluster-key.ts';
import { HoldfastError } from '#common/errors.ts';
import type { Address } from '#common/io/network.ts';
import { controlToken } from '../supervisor/cluster-key.ts';
import type { ClusterStatus } from '../supervisor/cluster-status.ts';
import type { DataPaths } from '../supervisor/data-paths.ts';

const ANSWER_MS_MAX = 10_000;
const ANSWER_BYTES_MAX = 64 * 2 ** 20;

/** Where the running supervisor says that it is; undefined when none has said so. */
export function runningControl(paths: DataPaths): Address | undefined {
  try {
    const { control } = JSON.parse(readFileSync(paths.supervisor, 'utf8')) as { control: Address };
    return { host: String(control.host), port: Number(control.port) };
  } catch {
    return undefined;
  }
}

/** Throws `peer-unavailable` when nothing listens, `peer-unauthenticated` when it is another cluster. */
export async function fetchStatus(paths: DataPaths, control: Address): Promise<ClusterStatus> {
  const token = controlToken(await readClusterKey(paths.clusterKey));
  const { code, body } = await httpGet(control, '/v1/status', { authorization: `Bearer ${token}` });
  if (code === 401)
    throw new HoldfastError('peer-unauthenticated', `${control.host}:${control.port} is another cluster's`);
  if (code !== 200) throw new HoldfastError('request-refused', `the control API answered ${code}: ${body}`);
  return JSON.parse(body) as ClusterStatus;
}

interface Answer {
  readonly code: number;
  readonly body: string;
}

function httpGet({ host, port }: Address, path: string, headers: Record<string, string>): Promise<Answer> {
  const to = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) =>
      reject(new HoldfastError('peer-unavailable', `no control API at ${host}:${port}`, { cause }));
    const request = get(
      { host: to, port, path, headers, agent: false, timeout: ANSWER_MS_MAX },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
          if (body.length > ANSWER_BYTES_MAX) request.destroy(new Error('the answer is too long'));
        });
        response.on('error', failed);
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body }));
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', failed);
  });
}
