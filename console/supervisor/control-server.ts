/** The control API of a cluster on one machine: health for anybody, status for who holds the cluster key. */
import { fastify } from 'fastify';
import type { Address } from '#common/io/network.ts';
import type { ClusterStatus } from './cluster-status.ts';
import { isToken } from './cluster-key.ts';

export const HEADERS_MS_MAX = 10_000;

export interface ControlServer {
  close(): Promise<void>;
}

export interface ControlServerOptions {
  readonly listen: Address;
  readonly token: string;
  readonly isReady: () => boolean;
  readonly status: () => Promise<ClusterStatus>;
}

/** Throws an error with the system's `code` when the address cannot be taken. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { listen, token, isReady, status } = options;
  const server = fastify({
    bodyLimit: 64 * 1024,
    requestTimeout: HEADERS_MS_MAX,
    connectionTimeout: 60_000,
    forceCloseConnections: true,
  });
  server.get('/healthz', async (_request, reply) => {
    const ready = isReady();
    await reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'starting' });
  });
  server.get('/v1/status', async (request, reply) => {
    const given = /^Bearer ([0-9a-f]{1,128})$/.exec(request.headers.authorization ?? '')?.[1];
    if (given === undefined || !isToken(given, token)) {
      await reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'a bearer token is needed' });
      return;
    }
    await reply.send(await status());
  });
  server.setNotFoundHandler(async (_request, reply) => {
    await reply.code(404).send({ error: 'there are /healthz and /v1/status' });
  });
  await server.listen(listen);
  return { close: () => server.close() };
}
