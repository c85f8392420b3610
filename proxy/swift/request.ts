/** One request on its way through the front door. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Account } from '#proxy/auth/credential-store.ts';
import { openRequestBody } from '#proxy/body/open-request-body.ts';
import type { RequestBody } from '#proxy/body/request-body.ts';
import type { Caller } from './auth/caller.ts';
import type { SwiftContext } from './context.ts';
import { SwiftError } from './errors.ts';
import { Query } from './query.ts';
import type { Reply } from './reply.ts';
import type { RequestTarget, ResourcePath } from './request-target.ts';
import type { Grant } from './temp-url/temporary-url.ts';

export interface RequestParts {
  readonly incoming: IncomingMessage;
  readonly reply: Reply;
  readonly target: RequestTarget;
  /** Undefined for the pages beside the API. */
  readonly resource: ResourcePath | undefined;
  /** Undefined when the path names no account that we know. */
  readonly account: Account | undefined;
  /** Undefined for somebody without a token. */
  readonly caller: Caller | undefined;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly awaitsContinue: boolean;
  /** The request's own when left out. */
  readonly method?: string;
  /** What a temporary URL gives, in place of what the caller may do. */
  readonly grant?: Grant;
}

export class SwiftRequest {
  readonly method: string;
  readonly query: Query;
  /** Values are Latin-1, byte for byte as they were received. */
  readonly headers: IncomingHttpHeaders;
  readonly caller: Caller | undefined;
  readonly reply: Reply;
  /** The path, decoded. */
  readonly path: string;
  readonly #parts: RequestParts;
  #body: RequestBody | undefined;

  constructor(parts: RequestParts) {
    this.#parts = parts;
    this.method = parts.method ?? parts.incoming.method ?? '';
    this.query = parts.target.query;
    this.path = parts.target.path;
    this.headers = parts.incoming.headers;
    this.caller = parts.caller;
    this.reply = parts.reply;
  }

  /** What the path names; the router gives no request without it to an operation of the API. */
  get resource(): ResourcePath {
    const { resource } = this.#parts;
    if (resource === undefined) throw new SwiftError(412, 'Bad URL');
    return resource;
  }

  /** The account that the path names. 404 when there is none of that name; ask only once access has been granted. */
  get account(): Account {
    const { account } = this.#parts;
    if (account === undefined) throw new SwiftError(404);
    return account;
  }

  get knownAccount(): Account | undefined {
    return this.#parts.account;
  }

  get container(): string {
    const { container } = this.resource;
    if (container === undefined) throw new SwiftError(412, 'Bad URL');
    return container;
  }

  get object(): string {
    const { object } = this.resource;
    if (object === undefined) throw new SwiftError(412, 'Bad URL');
    return object;
  }

  /** The same sender's wish for something else: the other end of a copy, a member of a bulk operation. */
  elsewhere(method: string, account: Account | undefined, resource: ResourcePath): SwiftRequest {
    return new SwiftRequest({ ...this.#parts, method, account, resource });
  }

  /** The same request as a temporary URL allows it: of the query nothing counts but what was signed. */
  granted(grant: Grant): SwiftRequest {
    const { path } = this.#parts.target;
    return new SwiftRequest({ ...this.#parts, grant, target: { path, query: new Query('', new Map()) } });
  }

  get grant(): Grant | undefined {
    return this.#parts.grant;
  }

  /** Of the client's end of the connection; undefined once that is closed. */
  get remoteAddress(): string | undefined {
    return this.#parts.incoming.socket.remoteAddress;
  }

  /** A header's value; several of one name are joined as HTTP does. */
  header(name: string): string | undefined {
    const value = this.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** The body, opened at the first call: the client is told to send it only then. */
  openBody(context: SwiftContext): RequestBody {
    if (this.#body === undefined) {
      const { incoming, reply, awaitsContinue } = this.#parts;
      this.#body = openRequestBody(
        incoming,
        { headers: lengthHeaders(incoming.headers), payload: { kind: 'unsigned' } },
        context.bodies,
      );
      if (awaitsContinue) reply.response.writeContinue();
    }
    return this.#body;
  }

  /** Drops what has not been read of an opened body; undefined when it was never opened. */
  discardBody(bytesMax: number): Promise<boolean> | undefined {
    return this.#body?.discard(bytesMax);
  }

  get bodyIsOpen(): boolean {
    return this.#body !== undefined;
  }
}

/** What says how long the body is. The headers that vouch for its content are S3's; Swift has its own, ETag. */
function lengthHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  return {
    ...(length === undefined ? undefined : { 'content-length': length }),
    ...(encoding === undefined ? undefined : { 'transfer-encoding': encoding }),
  };
}

/** One operation of Swift's API. It answers through `request.reply`, or throws what the dispatcher answers with. */
export type Operation = (request: SwiftRequest, context: SwiftContext) => Promise<void>;
