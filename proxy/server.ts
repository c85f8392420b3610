/** The HTTP server of a proxy: fastify for its life and its own pages, the doors for everything else. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { REQUESTS_MAX_DEFAULT } from '#common/config/proxy-limits-config.ts';
import type { Address } from '#common/io/network.ts';
import { Transients } from '#common/transients.ts';
import { type DoorContexts, Doors } from './doors.ts';
import { Pipeline } from './http/pipeline.ts';
import { UnencodedPaths } from './http/unencoded-path.ts';
import { S3Error } from './s3/errors.ts';
import { Admission } from './traffic/admission.ts';
import { Traffic } from './traffic/traffic.ts';
import { malformedHead, refuseHead, refuseMalformed, refuseOnSocket } from './s3/malformed-request.ts';

/** An underscore cannot be in a bucket's name, so nothing under this prefix hides a bucket. */
export const HEALTH_PATH = '/_holdfast/health';
/** How often heads that take too long are looked for. */
const CHECK_MS_MAX = 5000;

export interface ProxyServerLimits {
  /** Request line and headers together. */
  readonly headerBytesMax: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersMs: number;
  /** How long an idle connection is kept for another request. */
  readonly keepAliveMs: number;
  /** How long a connection may carry no byte in either direction while a request is under way. */
  readonly idleMs: number;
  readonly connectionsMax: number;
  /** Requests under way at once, fewer when too many answers are owed; one more is refused in its door's own form, and its body is not read. */
  readonly requestsMax: number;
  /** How long `close` waits for requests that are under way. */
  readonly closeMs: number;
}

export const defaultServerLimits: ProxyServerLimits = Object.freeze({
  headerBytesMax: 16 * 1024,
  headersMs: 20_000,
  keepAliveMs: 65_000,
  idleMs: 120_000,
  connectionsMax: 10_000,
  requestsMax: REQUESTS_MAX_DEFAULT,
  closeMs: 10_000,
});

export interface ProxyServer {
  /** Accepts connections at an address, or on a socket that listens already. Gives the port. */
  listen(at: Address | NetServer): Promise<number>;
  /** Stops accepting, lets requests that are under way finish within a limit, then closes what is left. */
  close(): Promise<void>;
}

export function createProxyServer(
  contexts: DoorContexts,
  limits: ProxyServerLimits = defaultServerLimits,
  traffic: Traffic = new Traffic(contexts.s3.clock, []),
): ProxyServer {
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersMs,
    // A large object on a slow line takes hours: what ends a request is silence, and not its age.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(CHECK_MS_MAX, limits.headersMs / 4),
    noDelay: true,
    // Its absence is answered in the doors' own form.
    requireHostHeader: false,
  });
  // Headers past a count would be dropped in silence: their bytes are bounded, and their number is looked at later.
  server.maxHeadersCount = 0;
  // A client that has sent all it has to send may close its half: its answer is not cut off for that.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.maxConnections = limits.connectionsMax;
  server.timeout = limits.idleMs;
  const active = new ActiveRequests();
  const admission = new Admission(contexts.s3.clock, limits.requestsMax);
  const app = buildApp(server, new Entrance(new Doors(contexts), active, admission, traffic), active);
  return {
    listen: async (at) => {
      await app.ready();
      await listening(server, at);
      return (server.address() as AddressInfo).port;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      const timer = setTimeout(() => server.closeAllConnections(), limits.closeMs);
      active.close();
      await closed;
      clearTimeout(timer);
      await active.settled();
      await app.close();
    },
  };
}

/** Requests whose dispatch has not returned: the cluster is not to be closed under them. */
class ActiveRequests {
  readonly #running = new Transients<Promise<void>>();
  readonly #responses = new Transients<ServerResponse>();
  readonly #ending = new WeakSet<Socket>();
  #closing = false;

  get closing(): boolean {
    return this.#closing;
  }

  add(response: ServerResponse, running: Promise<void>): void {
    const runningSlot = this.#running.add(running);
    const responseSlot = this.#responses.add(response);
    void running.finally(() => {
      this.#running.remove(runningSlot, running);
      this.#responses.remove(responseSlot, response);
    });
  }

  /**
   * Whether an answer is under way on a connection; it is then closed when that is out. A second answer in its middle
   * would be taken for a part of it.
   */
  closeAfterAnswer(socket: Socket): boolean {
    if (this.#ending.has(socket)) return true;
    for (const response of this.#responses) {
      if (response.socket !== socket) continue;
      this.#ending.add(socket);
      if (response.req.complete) response.once('close', () => socket.destroySoon());
      // What broke is the body of this very request, and nothing more of it will come: that is its answer.
      else if (response.headersSent) socket.destroySoon();
      else return false;
      return true;
    }
    return false;
  }

  /** From now on a connection ends with the answer that is under way on it. */
  close(): void {
    this.#closing = true;
    for (const response of this.#responses) response.shouldKeepAlive = false;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }
}

/** The doors take what is theirs from the server itself: on its way through a framework a small request would grow dearer by a fifth. */
class Entrance {
  readonly #doors: Doors;
  readonly #active: ActiveRequests;
  readonly #admission: Admission;
  readonly #traffic: Traffic;
  readonly #pipeline = new Pipeline();

  constructor(doors: Doors, active: ActiveRequests, admission: Admission, traffic: Traffic) {
    this.#doors = doors;
    this.#active = active;
    this.#admission = admission;
    this.#traffic = traffic;
  }

  take(incoming: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const begin = (): void =>
      this.#pipeline.inTurn(incoming, response, () => this.#begin(incoming, response, awaitsContinue));
    if (!this.#admission.isTurnLong) return begin();
    setImmediate(() => {
      if (!response.destroyed) begin();
    });
  }

  #begin(incoming: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const trace = this.#traffic.begin(incoming, response);
    const malformed = malformedHead(incoming);
    if (malformed !== undefined) return refuseHead(malformed, response);
    if (this.#active.closing) response.shouldKeepAlive = false;
    const overloaded = this.#admission.refuses();
    const url = incoming.url ?? '';
    const running = this.#doors.dispatch({ incoming, response, trace, overloaded, url, awaitsContinue });
    this.#active.add(response, running);
    // One that is only refused does not keep others out.
    if (!overloaded) void this.#hold(response, running, this.#admission.add({ incoming, response }));
  }

  /** A request is over when its answer has gone out: until then it may keep what its reader does not take. */
  async #hold(response: ServerResponse, running: Promise<void>, over: () => void): Promise<void> {
    await running;
    if (response.destroyed) return over();
    const sent = this.#admission.keep(response.writableLength);
    // At once: the next of the connection may be begun before a promise would be heard of.
    response.once('close', () => {
      sent();
      over();
    });
  }
}

function buildApp(server: Server, entrance: Entrance, active: ActiveRequests): FastifyInstance {
  const unencoded = new UnencodedPaths(server);
  const app = fastify({
    logger: false,
    serverFactory: (ownPages) => {
      const take = (incoming: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void => {
        if (incoming.url === HEALTH_PATH) ownPages(incoming, response);
        else entrance.take(incoming, response, awaitsContinue);
      };
      server.on('request', (incoming, response) => take(incoming, response, false));
      // The client is told to go on only once its head has been accepted, where the body is first read.
      server.on('checkContinue', (incoming, response) => take(incoming, response, true));
      // An expectation that is not known is passed over, as Amazon does: there is nothing that it could change here.
      server.on('checkExpectation', (incoming, response) => take(incoming, response, false));
      // Without a listener the connection would be closed without a word.
      server.on('connect', (_incoming, socket) =>
        refuseOnSocket(
          new S3Error('MethodNotAllowed', undefined, { fields: { Method: 'CONNECT' } }),
          socket as Socket,
        ),
      );
      return server;
    },
    // The default would destroy the connection under an answer that is still on its way.
    clientErrorHandler: (error, socket) => {
      if (active.closeAfterAnswer(socket) || unencoded.take(error, socket)) return;
      refuseMalformed(error, socket);
    },
  });
  app.get(HEALTH_PATH, (_request, reply) => reply.send({ status: active.closing ? 'closing' : 'ok' }));
  return app;
}

function listening(server: Server, at: Address | NetServer): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const done = () => {
      server.off('error', reject);
      resolve();
    };
    if ('host' in at) server.listen({ host: at.host, port: at.port, backlog: 4096 }, done);
    else server.listen(at, done);
  });
}
