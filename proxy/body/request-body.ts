/** What an operation sees of a request's body: decoded, verified bytes, whatever framed and signed them. */
import type { BodySink } from '#cluster/cluster.ts';
import { HoldfastError } from '#common/errors.ts';

/** In the order of the names that S3 gives them: `x-amz-checksum-crc32` and so on. */
export const checksumAlgorithms = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const;
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];

/** Base64, as the headers carry it; only the algorithms that the request declared. */
export type Checksums = Readonly<Partial<Record<ChecksumAlgorithm, string>>>;

export interface BodyDigests {
  readonly lengthBytes: number;
  /** 32 lower-case hexadecimal digits. */
  readonly md5Hex: string;
  readonly checksums: Checksums;
}

export interface CollectedBody {
  readonly bytes: Buffer;
  readonly digests: BodyDigests;
}

export interface DrainOptions {
  /** Whether the sink may be called while calls before are under way, three at most. */
  readonly overlapping?: boolean;
}

/**
 * One of `readAll`, `collect`, `drain` and `pieces` may be called, once. Each but the last resolves only when everything that vouches for the
 * body has been verified: the length, the signatures of chunks and trailer, the payload's SHA-256, Content-MD5 and every
 * declared checksum. Each throws BodyError, `aborted` when the client has gone, and what the sink throws.
 */
export interface RequestBody {
  /** Decoded bytes, from Content-Length or x-amz-decoded-content-length; undefined for a body of unknown length. */
  readonly declaredLength: number | undefined;
  /** The body, whole and of its own memory. `EntityTooLarge` when it is longer than `limitBytes`. */
  readAll(limitBytes: number): Promise<Buffer>;
  /** The same with its digests. */
  collect(limitBytes: number): Promise<CollectedBody>;
  /** Hands the body to `sink` in order, one call at a time, at most 256 KiB each; an empty body makes no call. */
  drain(sink: BodySink, options?: DrainOptions): Promise<BodyDigests>;
  /**
   * The body as it comes, in buffers of the system's own, for what is to be worked through and not kept. Its length is
   * checked at the end and nothing else is: throws `invalid-argument` when something vouches for the content.
   */
  pieces(): AsyncIterable<Buffer>;
  /**
   * Drops what has not been received yet, for when an answer goes out early. Resolves true when the body ended within
   * `limitBytes` and the connection can serve another request; false when it must be closed. Never throws.
   */
  discard(limitBytes: number): Promise<boolean>;
}

/** S3's own codes (Amazon S3 API Reference, "List of error codes"). */
export type BodyReason =
  | 'BadDigest'
  | 'EntityTooLarge'
  | 'IncompleteBody'
  | 'InvalidArgument'
  | 'InvalidChunkSizeError'
  | 'InvalidDigest'
  | 'InvalidRequest'
  | 'MalformedTrailerError'
  | 'MissingContentLength'
  | 'RequestTimeout'
  | 'SignatureDoesNotMatch'
  | 'SlowDown'
  | 'XAmzContentSHA256Mismatch';

export class BodyError extends HoldfastError {
  readonly reason: BodyReason;
  /** The elements that S3 shows in the error's document beside Code and Message: element name to text. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(
    reason: BodyReason,
    message: string,
    fields: Readonly<Record<string, string>> = {},
    options?: { cause?: unknown },
  ) {
    super('body-refused', message, options);
    this.name = 'BodyError';
    this.reason = reason;
    this.fields = fields;
  }
}
