/** Answers: a head with the headers that every answer bears, and small bodies. */
import type { ServerResponse } from 'node:http';
import type { CrossOrigin } from './cross-origin.ts';

/** Names and values in turn. */
export type FlatHeaders = (string | number)[];

export type HeaderEdit = (status: number, headers: FlatHeaders) => FlatHeaders;

export class Reply {
  readonly response: ServerResponse;
  readonly transactionId: string;
  readonly #isHead: boolean;
  #crossOrigin: CrossOrigin | undefined;
  #edit: HeaderEdit | undefined;

  constructor(response: ServerResponse, transactionId: string, isHead: boolean) {
    this.response = response;
    this.transactionId = transactionId;
    this.#isHead = isHead;
  }

  get isBegun(): boolean {
    return this.response.headersSent;
  }

  /** What a browser is to be told of who may read the answer, once the container is known. */
  allowOrigin(crossOrigin: CrossOrigin | undefined): void {
    this.#crossOrigin = crossOrigin;
  }

  /** What is changed in the head of the answer, whatever it becomes. */
  edit(edit: HeaderEdit): void {
    this.#edit = edit;
  }

  head(status: number, headers: FlatHeaders): void {
    const all: FlatHeaders = this.#edit?.(status, headers) ?? [...headers];
    all.push('X-Trans-Id', this.transactionId, 'X-Openstack-Request-Id', this.transactionId);
    if (this.#crossOrigin !== undefined) all.push(...this.#crossOrigin.headersFor(all));
    // HTTP/1.1 keeps a connection without being told so: who says it is told the same, as Swift does.
    const { response } = this;
    const { httpVersion, headers: asked } = response.req;
    const implied = httpVersion === '1.1' && asked.connection === undefined;
    if (implied && response.shouldKeepAlive) response.removeHeader('Connection');
    response.writeHead(status, all);
  }

  /** An answer without a body of its own. */
  empty(status: number, headers: FlatHeaders = []): void {
    if (status !== 204 && status !== 304) headers.push('Content-Length', 0);
    this.head(status, headers);
    this.response.end();
  }

  /** An answer whose body is there as a whole; HEAD gets its head. */
  body(status: number, contentType: string, body: Buffer | string, headers: FlatHeaders = []): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    headers.push('Content-Type', contentType, 'Content-Length', bytes.length);
    this.head(status, headers);
    this.response.end(this.#isHead ? undefined : bytes);
  }

  /** The short page that goes with a success which has nothing to show. */
  accepted(status: number, headers: FlatHeaders = []): void {
    headers.push('Content-Type', 'text/html; charset=UTF-8');
    this.empty(status, headers);
  }
}
