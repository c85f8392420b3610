/** The control role's HTTP server: bounds, request ids, tokens and policy for every route, errors in Keystone's form. */
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { errorText, HoldfastError } from '#common/errors.ts';
import { ApiError, errorBody, notAllowed, unauthorized } from '../identity/api-error.ts';
import { isPermitted } from '../protocol/access-rules.ts';
import { verifiedToken } from '../identity/auth/proof.ts';
import type { Identity } from '../identity/identity.ts';
import { mayDo } from '../policy/policy.ts';
import type { TokenStatement } from '../protocol/token-statement.ts';
import { addDiscovery, originOf } from './discovery.ts';
import { BODY_BYTES_MAX, parseJson } from './json-body.ts';
import type { Answer, Call, Route } from './route.ts';

export interface ApiServerOptions {
  readonly identity: Identity;
  /** Below `/v3` and `/identity/v3`. */
  readonly routes: readonly Route[];
  /** Below `/v2.0`, when that is served. */
  readonly version2Routes: readonly Route[];
  /** Below `/v1`: what is Holdfast's own. */
  readonly cloudRoutes?: readonly Route[];
  readonly isReady: () => boolean;
}

const REQUEST_MS_MAX = 60_000;
const HEADER_BYTES_MAX = 16 * 1024;

export function buildApiServer(options: ApiServerOptions): FastifyInstance {
  const { identity, routes, version2Routes, cloudRoutes = [], isReady } = options;
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    connectionTimeout: 2 * REQUEST_MS_MAX,
    forceCloseConnections: true,
    http: { maxHeaderSize: HEADER_BYTES_MAX },
    // What is wrong is told and not put right: no conversions, nothing left out, nothing filled in.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 8192 },
    // A path that cannot be decoded.
    frameworkErrors: (error, request, reply) => {
      void reply.header('x-openstack-request-id', request.id);
      void sendError(identity, error, request, reply);
    },
    genReqId: () => `req-${uuid(identity.randomness.bytes(16))}`,
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-openstack-request-id', request.id);
  });
  app.removeAllContentTypeParsers();
  // Some clients send JSON and say nothing of it.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, parseJson(text.toString()));
    } catch (error) {
      done(error as Error);
    }
  });
  app.setErrorHandler(async (error, request, reply) => await sendError(identity, error, request, reply));
  app.setNotFoundHandler(async (_request, reply) => {
    await reply.code(404).send(errorBody(404, 'The resource could not be found.'));
  });
  app.get('/healthz', async (_request, reply) => {
    const ready = isReady();
    await reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'starting' });
  });
  addDiscovery(app, { version2: identity.settings.version2 });
  for (const prefix of ['', '/identity']) {
    for (const route of routes) addRoute(app, identity, `${prefix}/v3`, route);
    if (identity.settings.version2)
      for (const route of version2Routes) addRoute(app, identity, `${prefix}/v2.0`, route);
  }
  for (const route of cloudRoutes) addRoute(app, identity, '/v1', route);
  return app;
}

function addRoute(app: FastifyInstance, identity: Identity, prefix: string, route: Route): void {
  app.route({
    method: route.method,
    url: prefix + route.path,
    ...(route.body === undefined ? {} : { schema: { body: route.body } }),
    // Who is nobody learns nothing of what is wrong with the body.
    preValidation: async (request) => {
      if (route.operation !== 'public' && bearerIn(identity, request) === undefined) throw unauthorized();
    },
    handler: async (request, reply) => {
      const call = callOf(identity, request, prefix);
      await permit(identity, route, call, request);
      await send(reply, await route.handle(identity, call));
    },
  });
}

function callOf(identity: Identity, request: FastifyRequest, prefix: string): Call {
  const query = Object.entries(request.query as Record<string, string | string[]>).map(
    ([name, value]) => [name, Array.isArray(value) ? (value[0] ?? '') : value] as const,
  );
  return {
    params: request.params as Record<string, string>,
    query: Object.fromEntries(query),
    body: request.body,
    headers: request.headers as Record<string, string | undefined>,
    remote: request.ip,
    bearer: bearerIn(identity, request),
    base: originOf(request) + prefix,
  };
}

/** A token that is not good is no token: public routes go on, others answer 401. */
function bearerIn(identity: Identity, { headers }: FastifyRequest): TokenStatement | undefined {
  const token = headers['x-auth-token'];
  if (typeof token !== 'string' || token === '') return undefined;
  try {
    return verifiedToken(identity, token);
  } catch {
    return undefined;
  }
}

async function permit(
  identity: Identity,
  { operation, target, isDelegable }: Route,
  call: Call,
  { method, url }: FastifyRequest,
): Promise<void> {
  if (operation === 'public') return;
  if (call.bearer === undefined) throw unauthorized();
  const { applicationCredential: credential, methods } = call.bearer;
  if (credential?.accessRules !== undefined) {
    const path = url.split('?')[0] ?? '';
    const isRuled = isPermitted(credential.accessRules, { service: 'identity', method, path });
    if (!isRuled) throw notAllowed(operation);
  }
  const isDelegated = credential?.isRestricted === true || methods.includes('ec2credential');
  if (isDelegable === false && isDelegated) throw notAllowed(operation);
  const about = target === undefined ? {} : await target(identity, call);
  if (!mayDo(operation, call.bearer, about)) throw notAllowed(operation);
}

async function send(reply: FastifyReply, { status = 200, headers = {}, body, text }: Answer): Promise<void> {
  void reply.code(status).headers({ vary: 'X-Auth-Token', ...headers });
  if (text !== undefined) return void (await reply.type(text.type).send(text.content));
  await (body === undefined ? reply.send() : reply.send(body));
}

async function sendError(
  identity: Identity,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { status, message, retryAfterSeconds } = refusalOf(error);
  if (status >= 500) identity.log.error('a request failed', { requestId: request.id, error });
  if (status === 401) void reply.header('www-authenticate', `Keystone uri="${originOf(request)}/identity"`);
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
  await reply.code(status).header('vary', 'X-Auth-Token').send(errorBody(status, message));
}

interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly retryAfterSeconds?: number | undefined;
}

const PASSING: ReadonlySet<string> = new Set([
  'overloaded',
  'store-unavailable',
  'outcome-unknown',
  'quorum-unavailable',
]);

function refusalOf(error: unknown): Refusal {
  if (error instanceof ApiError) return error;
  if (error instanceof HoldfastError) {
    if (PASSING.has(error.code)) return { status: 503, message: `${error.message}.`, retryAfterSeconds: 1 };
    if (error.code === 'store-full') return { status: 507, message: `${error.message}.` };
    if (error.code === 'invalid-argument') return { status: 400, message: `${error.message}.` };
  }
  // What fastify itself refuses: a body too long, or not of the schema.
  const status = Number(Object(error).statusCode);
  if (status >= 400 && status < 500) return { status, message: errorText(error) };
  return { status: 500, message: 'An unexpected error prevented the server from fulfilling your request.' };
}

/** RFC 9562, version 4. */
function uuid(bytes: Buffer): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
