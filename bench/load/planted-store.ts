/**
 * A small S3 in memory for the generator's tests, over real sockets, with faults planted by the test: the report must
 * show what was planted, no more and no less.
 */
import { hash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PlantedRequest {
  readonly method: string;
  /** '' for the bucket. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** Requests of this method on objects before this one. */
  readonly count: number;
}

/** What a test wants to happen to a request; `undefined` leaves it alone. */
export interface Fault {
  readonly delayMs?: number;
  readonly status?: number;
  readonly code?: string;
  /** Closes the connection instead of answering. */
  readonly close?: boolean;
  /** Never answers. */
  readonly silent?: boolean;
  /** Changes the bytes that a GET returns or the text that a listing is. */
  readonly corrupt?: (body: Buffer) => Buffer;
  readonly etag?: string;
}

type Faults = (request: PlantedRequest) => Fault | undefined;

interface Upload {
  readonly name: string;
  readonly parts: Map<number, Buffer>;
}

const PAGE_KEYS = 7;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

export class PlantedStore implements AsyncDisposable {
  readonly buckets = new Map<string, Map<string, Buffer>>();
  /** Requests on objects, by method; bucket requests under `BUCKET method`. */
  readonly counts = new Map<string, number>();
  readonly requests: { readonly headers: IncomingMessage['headers']; readonly url: string }[] = [];
  faults: Faults = () => undefined;
  accessKeyId = 'planted';
  /** Serves plain PUT, GET, HEAD and DELETE as nginx with DAV does: unsigned, folders made and removed as needed. */
  plain = false;
  readonly #uploads = new Map<string, Upload>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(port = 0): Promise<PlantedStore> {
    const store = new PlantedStore();
    await new Promise<void>((resolve) => {
      store.#server.listen(port, '127.0.0.1', resolve);
    });
    return store;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://store');
    const [, bucket = '', ...rest] = url.pathname.split('/');
    const name = rest.join('/');
    const method = request.method ?? '';
    this.requests.push({ headers: request.headers, url: request.url ?? '' });
    if (this.requests.length > 100) this.requests.shift();
    const counter = name === '' ? `BUCKET ${method}` : method;
    const count = this.counts.get(counter) ?? 0;
    this.counts.set(counter, count + 1);
    const body = await bodyOf(request);
    const signed = (request.headers.authorization ?? '').includes(`Credential=${this.accessKeyId}/`);
    if (this.plain && name !== '' && !this.buckets.has(bucket)) this.buckets.set(bucket, new Map());
    if (this.plain && signed) throw new TypeError('a plain server is sent no signature');
    if (!this.plain && !signed) {
      this.#refuse(response, 403, 'InvalidAccessKeyId');
      return;
    }
    const fault = this.faults({ method, name, query: url.searchParams, count }) ?? {};
    if (fault.delayMs !== undefined) await wait(fault.delayMs);
    if (fault.silent === true) return;
    if (fault.close === true) response.destroy();
    else if (fault.status !== undefined) this.#refuse(response, fault.status, fault.code ?? 'Planted');
    else if (name === '') this.#bucket(method, bucket, url.searchParams, fault, response);
    else this.#object(request, bucket, name, url.searchParams, body, fault, response);
  }

  #refuse(response: ServerResponse, status: number, code: string): void {
    response.statusCode = status;
    response.end(
      `<?xml version="1.0"?><Error><Code>${code}</Code><Message>planted &amp; meant</Message></Error>`,
    );
  }

  #bucket(
    method: string,
    bucket: string,
    query: URLSearchParams,
    fault: Fault,
    response: ServerResponse,
  ): void {
    const objects = this.buckets.get(bucket);
    if (method === 'PUT') {
      this.buckets.set(bucket, objects ?? new Map<string, Buffer>());
      response.end();
    } else if (objects === undefined) this.#refuse(response, 404, 'NoSuchBucket');
    else if (method === 'DELETE') {
      if (objects.size > 0 && !this.plain) this.#refuse(response, 409, 'BucketNotEmpty');
      else {
        this.buckets.delete(bucket);
        response.writeHead(204).end();
      }
    } else if (method === 'GET') this.#list(objects, query, fault, response);
    else response.end();
  }

  #list(objects: Map<string, Buffer>, query: URLSearchParams, fault: Fault, response: ServerResponse): void {
    const after = query.get('continuation-token') ?? '';
    const names = [...objects.keys()]
      .filter((name) => name.startsWith(query.get('prefix') ?? '') && name > after)
      .toSorted();
    const page = names.slice(0, PAGE_KEYS);
    const more = names.length > page.length;
    const token = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    const keys = page.map((name) => `<Contents><Key>${name}</Key></Contents>`).join('');
    const text = Buffer.from(
      `<ListBucketResult><IsTruncated>${more}</IsTruncated>${keys}${token}</ListBucketResult>`,
    );
    // Two writes without a length: the answer is chunked, as those of most servers are.
    const answer = fault.corrupt?.(text) ?? text;
    response.write(answer.subarray(0, answer.length / 2));
    response.end(answer.subarray(answer.length / 2));
  }

  #object(
    request: IncomingMessage,
    bucket: string,
    name: string,
    query: URLSearchParams,
    body: Buffer,
    fault: Fault,
    response: ServerResponse,
  ): void {
    const objects = this.buckets.get(bucket) ?? new Map<string, Buffer>();
    const found = objects.get(name);
    if (query.has('uploads') || query.has('uploadId'))
      this.#multipart(request.method, name, query, body, objects, response);
    else if (request.method === 'PUT') {
      objects.set(name, body);
      if (!this.plain) response.setHeader('ETag', fault.etag ?? `"${hash('md5', body, 'hex')}"`);
      response.end();
    } else if (request.method === 'DELETE') {
      objects.delete(name);
      response.writeHead(204).end();
    } else if (found === undefined) this.#refuse(response, 404, 'NoSuchKey');
    else if (request.method === 'HEAD') response.setHeader('Content-Length', found.length).end();
    else {
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
      const part = range === null ? found : found.subarray(Number(range[1]), Number(range[2]) + 1);
      response.statusCode = range === null ? 200 : 206;
      const answer = fault.corrupt?.(Buffer.from(part)) ?? part;
      response.setHeader('Content-Length', answer.length).end(answer);
    }
  }

  #multipart(
    method: string | undefined,
    name: string,
    query: URLSearchParams,
    body: Buffer,
    objects: Map<string, Buffer>,
    response: ServerResponse,
  ): void {
    const id = query.get('uploadId') ?? `upload ${this.#uploads.size}+/`;
    const upload = this.#uploads.get(id) ?? { name, parts: new Map<number, Buffer>() };
    this.#uploads.set(id, upload);
    if (query.has('uploads')) response.end(`<R><UploadId>${id}</UploadId></R>`);
    else if (method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), body);
      response.setHeader('ETag', `"${hash('md5', body, 'hex')}"`).end();
    } else if (method === 'DELETE') {
      this.#uploads.delete(id);
      response.writeHead(204).end();
    } else {
      const parts = [...upload.parts].toSorted(([a], [b]) => a - b).map(([, bytes]) => bytes);
      objects.set(name, Buffer.concat(parts));
      response.end('<R><ETag>"x-2"</ETag></R>');
    }
  }
}
