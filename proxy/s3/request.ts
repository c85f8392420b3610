/** One request on its way through the front door. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { SpaceId } from '#common/ids.ts';
import type { S3Action } from '#proxy/access/actions.ts';
import type { PayloadMode } from '#proxy/auth/authentication.ts';
import type { Principal } from '#proxy/auth/principal.ts';
import { openRequestBody } from '#proxy/body/open-request-body.ts';
import { RawBody } from '#proxy/body/raw-body.ts';
import type { ChecksumAlgorithm, RequestBody } from '#proxy/body/request-body.ts';
import type { RequestTrace } from '#proxy/traffic/request-trace.ts';
import type { FoundVersion } from '#proxy/objects/object-versions.ts';
import type { S3Context } from './context.ts';
import { S3Error } from './errors.ts';
import type { Query } from './query.ts';
import type { Reply } from './reply.ts';
import type { RequestTarget } from './request-target.ts';

export interface RequestParts {
  readonly incoming: IncomingMessage;
  readonly reply: Reply;
  readonly target: RequestTarget;
  readonly principal: Principal;
  readonly payload: PayloadMode;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly awaitsContinue: boolean;
  readonly trace: RequestTrace;
}

export interface BodyOptions {
  readonly ignoreChecksums?: boolean;
  /** Computed when the client sends none. */
  readonly checksumByDefault?: ChecksumAlgorithm;
}

export class S3Request {
  readonly method: string;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  /** A form names its sender only in its fields. */
  principal: Principal;
  readonly reply: Reply;
  readonly rawPath: string;
  /** What leave is asked for: known once the request has been routed. */
  action: S3Action | undefined;
  /** The object that the request names, once it is being read. */
  object: Promise<FoundVersion | undefined> | undefined;
  readonly #parts: RequestParts;
  #body: RequestBody | undefined;
  #raw: RawBody | undefined;

  constructor(parts: RequestParts) {
    this.#parts = parts;
    this.method = parts.incoming.method ?? '';
    this.query = parts.target.query;
    this.headers = parts.incoming.headers;
    this.principal = parts.principal;
    this.reply = parts.reply;
    this.rawPath = parts.target.rawPath;
  }

  /** Notes whose the bucket is that the request is about: its traffic is counted for that account. */
  isAbout(account: SpaceId): void {
    this.#parts.trace.account = account;
  }

  /** The peer's address, as its socket has it. */
  get remoteAddress(): string | undefined {
    return this.#parts.incoming.socket.remoteAddress;
  }

  get isEncrypted(): boolean {
    return 'encrypted' in this.#parts.incoming.socket;
  }

  get hasBucket(): boolean {
    return this.#parts.target.bucket !== undefined;
  }

  get hasKey(): boolean {
    return this.#parts.target.key !== undefined;
  }

  /** The bucket's name: the router gives no request without one to an operation on buckets or objects. */
  get bucket(): string {
    const { bucket } = this.#parts.target;
    if (bucket === undefined) throw new S3Error('InvalidBucketName');
    return bucket;
  }

  get key(): string {
    const { key } = this.#parts.target;
    if (key === undefined) throw new S3Error('InvalidArgument', 'The request names no key');
    return key;
  }

  /** A header's value; several of one name are joined as HTTP does. */
  header(name: string): string | undefined {
    const value = this.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /**
   * The body, opened at the first call: the client is told to send it only then. `ignoreChecksums` leaves checksum
   * headers out that are not about the body.
   */
  openBody(context: S3Context, options: BodyOptions = {}): RequestBody {
    if (this.#body === undefined) {
      const { incoming, payload, reply, awaitsContinue } = this.#parts;
      const headers =
        options.ignoreChecksums === true ? withoutChecksums(incoming.headers) : incoming.headers;
      const { checksumByDefault } = options;
      this.#body = openRequestBody(incoming, { headers, payload, checksumByDefault }, context.bodies);
      if (awaitsContinue) reply.response.writeContinue();
    }
    return this.#body;
  }

  /** The bytes of the body as they arrive, for an operation that takes them apart itself. */
  openRaw(context: S3Context): RawBody {
    const { incoming, reply, awaitsContinue } = this.#parts;
    const raw = new RawBody(incoming, context.bodies);
    this.#raw = raw;
    if (awaitsContinue) reply.response.writeContinue();
    return raw;
  }

  /** Drops what has not been read of an opened body; undefined when it was never opened. */
  discardBody(bytesMax: number): Promise<boolean> | undefined {
    return this.#body?.discard(bytesMax) ?? this.#raw?.discard(bytesMax);
  }

  get bodyIsOpen(): boolean {
    return this.#body !== undefined || this.#raw !== undefined;
  }
}

function withoutChecksums(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-checksum-')));
}

/** One operation of S3's API. It answers through `request.reply`, or throws what the dispatcher answers with. */
export type Operation = (request: S3Request, context: S3Context) => Promise<void>;
