/**
 * AWS Signature Version 4 in the Authorization header, for requests of known shape.
 * Source: "Signature Calculations for the Authorization Header" in the Amazon S3 API reference.
 * The signing key is kept for the day it is good for, the date for its second: what is left is one SHA-256 and one
 * HMAC a request, because the generator must cost less than the server it measures.
 */
import { createHmac, hash } from 'node:crypto';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
export const EMPTY_PAYLOAD_SHA256 = hash('sha256', '', 'hex');

export interface SignedParts {
  readonly method: string;
  /** As it stands on the request line: already percent-encoded. */
  readonly path: string;
  /** Canonical already: encoded, sorted, every name with `=`; '' for none. */
  readonly query: string;
  /** Hexadecimal SHA-256 of the body, or `UNSIGNED-PAYLOAD`. */
  readonly payloadHash: string;
}

function keyed(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

export class Signer {
  readonly #host: string;
  readonly #region: string;
  readonly #credentials: Credentials;
  readonly #nowMs: () => number;
  #second = -1;
  #timestamp = '';
  #day = '';
  #scope = '';
  #signingKey: Buffer = Buffer.alloc(0);

  constructor(host: string, region: string, credentials: Credentials, nowMs: () => number) {
    this.#host = host;
    this.#region = region;
    this.#credentials = credentials;
    this.#nowMs = nowMs;
  }

  /** The header lines to add, each ended by CR LF; `Host` is signed and must be sent as it was given. */
  headerLines(parts: SignedParts): string {
    this.#refresh();
    const token = this.#credentials.sessionToken;
    const tokenCanonical = token === undefined ? '' : `x-amz-security-token:${token}\n`;
    const signedHeaders = `host;x-amz-content-sha256;x-amz-date${token === undefined ? '' : ';x-amz-security-token'}`;
    const canonical =
      `${parts.method}\n${parts.path}\n${parts.query}\nhost:${this.#host}\nx-amz-content-sha256:${parts.payloadHash}\n` +
      `x-amz-date:${this.#timestamp}\n${tokenCanonical}\n${signedHeaders}\n${parts.payloadHash}`;
    const toSign = `AWS4-HMAC-SHA256\n${this.#timestamp}\n${this.#scope}\n${hash('sha256', canonical, 'hex')}`;
    const signature = createHmac('sha256', this.#signingKey).update(toSign).digest('hex');
    return (
      `x-amz-content-sha256: ${parts.payloadHash}\r\nx-amz-date: ${this.#timestamp}\r\n` +
      (token === undefined ? '' : `x-amz-security-token: ${token}\r\n`) +
      `Authorization: AWS4-HMAC-SHA256 Credential=${this.#credentials.accessKeyId}/${this.#scope}, ` +
      `SignedHeaders=${signedHeaders}, Signature=${signature}\r\n`
    );
  }

  #refresh(): void {
    const second = Math.floor(this.#nowMs() / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#timestamp = new Date(second * 1000).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const day = this.#timestamp.slice(0, 8);
    if (day === this.#day) return;
    this.#day = day;
    this.#scope = `${day}/${this.#region}/s3/aws4_request`;
    const dayKey = keyed(`AWS4${this.#credentials.secretAccessKey}`, day);
    this.#signingKey = keyed(keyed(keyed(dayKey, this.#region), 's3'), 'aws4_request');
  }
}
