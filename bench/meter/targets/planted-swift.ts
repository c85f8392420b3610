/**
 * A small Swift in memory for the target's tests, over real sockets, with faults planted by the test: TempAuth, objects of
 * one container, static large objects (OpenStack Object Storage API reference).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hash } from 'node:crypto';
import { once } from 'node:events';

export interface SwiftRequest {
  readonly method: string;
  /** '' for the container. */
  readonly name: string;
  /** Requests of this method before this one. */
  readonly count: number;
}

export interface SwiftFault {
  readonly status?: number;
  /** Does what is asked for when this is fulfilled, whoever still waits for it. */
  readonly before?: Promise<void>;
  /** Does what is asked for, and answers when this is fulfilled. */
  readonly after?: Promise<void>;
}

interface Stored {
  readonly bytes: Buffer;
  /** Names of what a manifest joins. */
  readonly segments: readonly string[] | undefined;
}

const PAGE_NAMES = 3;

export class PlantedSwift implements AsyncDisposable {
  readonly objects = new Map<string, Stored>();
  readonly counts = new Map<string, number>();
  faults: (request: SwiftRequest) => SwiftFault | undefined = () => undefined;
  /** What a token has to be now; each login is told it. */
  token = 'token 0';
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(): Promise<PlantedSwift> {
    const swift = new PlantedSwift();
    await once(swift.#server.listen(0, '127.0.0.1'), 'listening');
    return swift;
  }

  get #origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get env(): Record<string, string> {
    return { ST_AUTH: `${this.#origin}/auth/v1.0`, ST_USER: 'planted:editor', ST_KEY: 'very secret' };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.#origin);
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    if (url.pathname === '/auth/v1.0') {
      response.setHeader('X-Auth-Token', this.token).setHeader('X-Storage-Url', `${this.#origin}/v1/A`).end();
      return;
    }
    const method = request.method ?? '';
    const name = decodeURIComponent(url.pathname.split('/').slice(4).join('/'));
    const count = this.counts.get(method) ?? 0;
    this.counts.set(method, count + 1);
    const fault = this.faults({ method, name, count }) ?? {};
    await fault.before;
    const status =
      request.headers['x-auth-token'] === this.token
        ? (fault.status ?? this.#do(request, name, url.searchParams, Buffer.concat(pieces), response))
        : 401;
    await fault.after;
    if (typeof status === 'number') response.writeHead(status).end();
    else response.end(status);
  }

  /** The status, or the body of an answer that is well. */
  #do(
    { method, headers }: IncomingMessage,
    name: string,
    query: URLSearchParams,
    body: Buffer,
    response: ServerResponse,
  ): number | Buffer | string {
    // As a container that is made when it is first asked for, and is there while it holds something.
    if (name === '' && method === 'GET') return this.#list(query);
    if (name === '')
      return method === 'PUT' ? (this.objects.size > 0 ? 202 : 201) : this.objects.size > 0 ? 409 : 204;
    const found = this.objects.get(name);
    if (method === 'PUT') {
      const manifest = query.get('multipart-manifest') === 'put';
      this.objects.set(name, manifest ? this.#joined(body) : { bytes: body, segments: undefined });
      response.setHeader('ETag', hash('md5', body));
      return 201;
    }
    if (found === undefined) return 404;
    if (found.segments !== undefined) response.setHeader('X-Static-Large-Object', 'True');
    if (method === 'HEAD') {
      response.setHeader('Content-Length', found.bytes.length);
      return 200;
    }
    if (method === 'GET') {
      const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '');
      if (range === null) return found.bytes;
      response.statusCode = 206;
      return found.bytes.subarray(Number(range[1]), Number(range[2]) + 1);
    }
    this.objects.delete(name);
    if (query.get('multipart-manifest') !== 'delete') return 204;
    for (const segment of found.segments ?? []) this.objects.delete(segment);
    return 'Number Deleted: 1\nResponse Status: 200 OK\nErrors:\n';
  }

  #joined(manifest: Buffer): Stored {
    const parts = JSON.parse(manifest.toString()) as { path: string }[];
    const segments = parts.map(({ path }) => path.split('/').slice(2).join('/'));
    const bytes = Buffer.concat(segments.map((name) => this.objects.get(name)?.bytes ?? Buffer.alloc(0)));
    return { bytes, segments };
  }

  #list(query: URLSearchParams): string | number {
    const names = [...this.objects.keys()]
      .filter((name) => name.startsWith(query.get('prefix') ?? '') && name > (query.get('marker') ?? ''))
      .toSorted()
      .slice(0, PAGE_NAMES);
    return names.length === 0 ? 204 : `${names.join('\n')}\n`;
  }
}
