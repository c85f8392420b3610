/**
 * What authentication takes and gives. The codes are S3's own
 * (Amazon S3 API Reference, "Error responses", "List of error codes").
 */
import { HoldfastError } from '#common/errors.ts';
import type { Principal } from './principal.ts';
import type { SigningKey, SigningKeyCache } from './signing-key.ts';

/** The parts of an HTTP request that a signature covers, as they were received. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as received: `/bucket/a%20key?versions`. */
  readonly rawUrl: string;
  /** Names and values in turn, as `http.IncomingMessage.rawHeaders` has them: duplicates kept, values as Latin-1. */
  readonly rawHeaders: readonly string[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

export interface AuthenticationOptions {
  /** The region that a signature's scope must name; `us-east-1` is accepted besides it. */
  readonly region: string;
  readonly signingKeys: SigningKeyCache;
}

/** What the signatures of a body's chunks are made with. */
export interface ChunkSigning {
  readonly signingKey: SigningKey;
  /** `20130524T000000Z` */
  readonly dateTime: string;
  /** `20130524/us-east-1/s3/aws4_request` */
  readonly scope: string;
  /** The signature of the request: the first link of the chain. */
  readonly seedSignature: string;
}

/** How the body is framed and what vouches for it, by `x-amz-content-sha256`. */
export type PayloadMode =
  | { readonly kind: 'unsigned' }
  /** The whole body has this SHA-256 (64 lower-case hexadecimal digits). */
  | { readonly kind: 'signed'; readonly sha256Hex: string }
  /** aws-chunked, every chunk signed; the trailer signed too when there is one. */
  | { readonly kind: 'signed-chunks'; readonly signing: ChunkSigning; readonly trailer: boolean }
  /** aws-chunked with a trailer, nothing signed. */
  | { readonly kind: 'unsigned-chunks' };

/**
 * Given by `authenticateRequest(request: SignedRequest, store: CredentialStore, options: AuthenticationOptions)` in
 * ./authenticate.ts, which throws AuthenticationError and nothing else.
 */
export type Authentication =
  | { readonly kind: 'authenticated'; readonly principal: Principal; readonly payload: PayloadMode }
  | { readonly kind: 'anonymous'; readonly payload: PayloadMode };

export type AuthenticationReason =
  | 'AccessDenied'
  | 'AuthorizationHeaderMalformed'
  | 'AuthorizationQueryParametersError'
  | 'InvalidAccessKeyId'
  | 'InvalidArgument'
  | 'InvalidRequest'
  | 'InvalidToken'
  | 'InvalidURI'
  | 'MissingSecurityHeader'
  | 'RequestHeaderSectionTooLarge'
  | 'RequestTimeTooSkewed'
  | 'SignatureDoesNotMatch';

export class AuthenticationError extends HoldfastError {
  readonly reason: AuthenticationReason;
  /** The elements that S3 shows in the error's document beside Code and Message: element name to text. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(
    reason: AuthenticationReason,
    message: string,
    fields: Readonly<Record<string, string>> = {},
    options?: { cause?: unknown },
  ) {
    super('unauthenticated', message, options);
    this.name = 'AuthenticationError';
    this.reason = reason;
    this.fields = fields;
  }
}
