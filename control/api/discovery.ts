/** Which versions there are (Identity API v3, "API versions"). */
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** The minor version whose calls are served, and the date that Keystone gives with it. */
const MINOR = 'v3.14';
const UPDATED = '2020-04-07T00:00:00Z';

export interface DiscoveryOptions {
  readonly version2: boolean;
}

/** `/`, `/identity`, and each version below either. */
export function addDiscovery(app: FastifyInstance, { version2 }: DiscoveryOptions): void {
  for (const prefix of ['', '/identity']) {
    const choices = (request: FastifyRequest) => {
      const base = originOf(request) + prefix;
      return { versions: { values: [version3(base), ...(version2 ? [version20(base)] : [])] } };
    };
    // 300 with the choices in it is what Keystone answers: clients that discover rely on it.
    const answer = async (
      request: FastifyRequest,
      reply: { code(status: number): { send(body: object): unknown } },
    ) => reply.code(300).send(choices(request));
    app.get(prefix === '' ? '/' : prefix, answer);
    app.get(`${prefix}/v3`, async (request) => ({ version: version3(originOf(request) + prefix) }));
    if (version2)
      app.get(`${prefix}/v2.0`, async (request) => ({ version: version20(originOf(request) + prefix) }));
  }
}

/** As the client addressed this server; links lead back where it came from. */
export function originOf({ protocol, headers }: Pick<FastifyRequest, 'protocol' | 'headers'>): string {
  const host = headers.host ?? '';
  return `${protocol}://${/^[A-Za-z0-9.:[\]_-]{1,255}$/.test(host) ? host : 'localhost'}`;
}

function version3(base: string): object {
  return {
    id: MINOR,
    status: 'stable',
    updated: UPDATED,
    links: [{ rel: 'self', href: `${base}/v3/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  };
}

function version20(base: string): object {
  return {
    id: 'v2.0',
    status: 'deprecated',
    updated: '2016-08-04T00:00:00Z',
    links: [{ rel: 'self', href: `${base}/v2.0/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v2.0+json' }],
  };
}
