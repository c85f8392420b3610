/**
 * What reading bodies needs, built once by the process. `openRequestBody(incoming: Readable, request: BodyRequest,
 * context: BodyContext): RequestBody` is in ./open-request-body.ts; it throws BodyError when the headers alone are wrong.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '#common/io/clock.ts';
import type { PayloadMode } from '#proxy/auth/authentication.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { DigestPool } from './digest-pool.ts';
import type { ChecksumAlgorithm } from './request-body.ts';

export interface BodyRequest {
  /** `http.IncomingMessage.headers` */
  readonly headers: IncomingHttpHeaders;
  readonly payload: PayloadMode;
  /**
   * Whether x-amz-checksum-* headers are of this body; true when left out. CompleteMultipartUpload's are those of the
   * object that it makes.
   */
  readonly checksumsOfBody?: boolean;
  /** Computed for a body that comes without a checksum; none when left out. */
  readonly checksumByDefault?: ChecksumAlgorithm | undefined;
}

export interface BodyLimits {
  /** Longest body, decoded; S3 allows 5 GiB to one PUT. */
  readonly bodyBytesMax: number;
  /**
   * A sender that we wait for and that sends fewer than `stallBytesMin` within such a window is given up
   * (`RequestTimeout`): after one to two of them.
   */
  readonly stallMs: number;
  readonly stallBytesMin: number;
}

export const defaultBodyLimits: BodyLimits = Object.freeze({
  bodyBytesMax: 5 * 1024 ** 3,
  stallMs: 30_000,
  stallBytesMin: 1024,
});

export interface BodyContext {
  readonly buffers: BufferPool;
  readonly digests: DigestPool;
  readonly clock: Clock;
  readonly limits: BodyLimits;
}
