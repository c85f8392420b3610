/**
 * `GET /metrics` on a port of its own, which is not the clients': for whoever bears the cluster's token for metrics. What a process
 * counts tells strangers who does how much.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Address } from '#common/io/network.ts';
import { EXPOSITION_TYPE } from './exposition.ts';
import type { MetricsRegistry } from './registry.ts';

const HEADERS_MS_MAX = 10_000;
const CONNECTIONS_MAX = 64;

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** 64 hexadecimal digits, from which the cluster's key cannot be told: it may stand in Prometheus's configuration. */
export function metricsToken(clusterKey: Buffer): string {
  return createHmac('sha256', clusterKey).update('holdfast metrics').digest('hex');
}

export async function startMetricsServer(
  registry: MetricsRegistry,
  listen: Address,
  token: string,
): Promise<MetricsServer> {
  const wanted = Buffer.from(`Bearer ${token}`);
  const server = createServer(
    { headersTimeout: HEADERS_MS_MAX, requestTimeout: HEADERS_MS_MAX },
    (incoming, response) => {
      answer(registry, wanted, incoming, response).catch(() => response.destroy());
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, resolve);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, close };
}

async function answer(
  registry: MetricsRegistry,
  wanted: Buffer,
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const say = (status: number, text: string, more: Record<string, string> = {}) => {
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...more }).end(text);
  };
  if (url?.split('?')[0] !== '/metrics') return say(404, 'there is /metrics\n');
  if (method !== 'GET' && method !== 'HEAD') return say(405, '', { Allow: 'GET, HEAD' });
  const given = Buffer.from(headers.authorization ?? '');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    return say(401, 'a bearer token is needed\n', { 'WWW-Authenticate': 'Bearer' });
  say(200, await registry.text(), { 'Content-Type': EXPOSITION_TYPE });
}
