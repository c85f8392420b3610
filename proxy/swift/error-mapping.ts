/** From the errors of the rooms below to Swift's: the only place that knows both. */
import { type ErrorCode, HoldfastError } from '#common/errors.ts';
import { BodyError, type BodyReason } from '#proxy/body/request-body.ts';
import { BucketRefusal } from '#proxy/buckets/bucket-directory.ts';
import { QuotaExceeded } from '#proxy/quota/quota-error.ts';
import { SwiftError } from './errors.ts';

const RETRY_AFTER = ['Retry-After', '1'] as const;

/** What a client can do about each of our codes; one that is not here is our own failure. */
const statuses: Readonly<Partial<Record<ErrorCode, number>>> = {
  'quorum-unavailable': 503,
  'outcome-unknown': 503,
  'peer-unavailable': 503,
  'ring-outdated': 503,
  'device-failed': 503,
  'device-full': 503,
  'clock-skewed': 503,
  overloaded: 503,
  'versions-exceeded': 409,
};

const bodyStatuses: Readonly<Partial<Record<BodyReason, number>>> = {
  BadDigest: 422,
  EntityTooLarge: 413,
  IncompleteBody: 499,
  MissingContentLength: 411,
  RequestTimeout: 408,
  SlowDown: 503,
};

const refusals: Readonly<Record<BucketRefusal['reason'], number>> = {
  missing: 404,
  foreign: 403,
  deleting: 409,
};

export function toSwiftError(error: unknown): SwiftError {
  if (error instanceof SwiftError) return error;
  if (error instanceof BodyError) {
    return new SwiftError(bodyStatuses[error.reason] ?? 400, undefined, { cause: error });
  }
  if (error instanceof QuotaExceeded) {
    return error.limited === 'containers'
      ? new SwiftError(403, 'Reached container limit', { cause: error })
      : new SwiftError(413, 'Upload exceeds quota.', { cause: error });
  }
  if (error instanceof BucketRefusal)
    return new SwiftError(refusals[error.reason], undefined, { cause: error });
  if (error instanceof HoldfastError) {
    const status = statuses[error.code];
    if (status !== undefined)
      return new SwiftError(status, undefined, { headers: RETRY_AFTER, cause: error });
  }
  return new SwiftError(500, undefined, { cause: error });
}
