/** Builds the header blocks of the requests that the generator sends, signed for S3 or plain. */
import { type Credentials, EMPTY_PAYLOAD_SHA256, Signer, UNSIGNED_PAYLOAD } from './signature.ts';

export type Protocol = 's3' | 'http';

export interface TargetSettings {
  /** Such as `http://127.0.0.1:8080`, with a base path where the server has one. */
  readonly endpoint: string;
  readonly protocol: Protocol;
  readonly region: string;
  /** '' for a server that has none: names follow the endpoint's own path. */
  readonly bucket: string;
  /** Undefined for requests that are not signed. */
  readonly credentials: Credentials | undefined;
}

export interface RequestParts {
  readonly method: string;
  /** The object's name: unreserved characters and `/` only; '' for the bucket itself. */
  readonly name: string;
  /** Whether the path ends with a slash, as DAV names folders. */
  readonly asFolder?: boolean;
  /** Canonical query: encoded, sorted, every name with `=`. */
  readonly query?: string;
  readonly contentLength?: number;
  /** Hexadecimal SHA-256 of the body where it is to be signed. */
  readonly payloadHash?: string;
  /** Further header lines, not signed, each ended by CR LF. */
  readonly extraLines?: string;
}

export class RequestFactory {
  readonly #bucketPath: string;
  readonly #hostLine: string;
  readonly #signer: Signer | undefined;

  constructor(target: TargetSettings, nowMs: () => number) {
    const url = new URL(target.endpoint);
    const basePath = url.pathname.replace(/\/+$/, '');
    this.#bucketPath = target.bucket === '' ? basePath : `${basePath}/${target.bucket}`;
    this.#hostLine = `Host: ${url.host}\r\n`;
    if (target.protocol === 's3' && target.credentials !== undefined)
      this.#signer = new Signer(url.host, target.region, target.credentials, nowMs);
  }

  head(parts: RequestParts): string {
    const named = parts.name === '' ? this.#bucketPath : `${this.#bucketPath}/${parts.name}`;
    const path = parts.asFolder === true || named === '' ? `${named}/` : named;
    const query = parts.query ?? '';
    const signed =
      this.#signer === undefined
        ? ''
        : this.#signer.headerLines({
            method: parts.method,
            path,
            query,
            payloadHash:
              parts.payloadHash ??
              (parts.contentLength === undefined ? EMPTY_PAYLOAD_SHA256 : UNSIGNED_PAYLOAD),
          });
    const length = parts.contentLength === undefined ? '' : `Content-Length: ${parts.contentLength}\r\n`;
    const target = query === '' ? path : `${path}?${query}`;
    return `${parts.method} ${target} HTTP/1.1\r\n${this.#hostLine}${signed}${length}${parts.extraLines ?? ''}\r\n`;
  }
}
