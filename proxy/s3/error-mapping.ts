/** From the errors of the rooms below to S3's: the only place that knows both. */
import { type ErrorCode, HoldfastError } from '#common/errors.ts';
import { AuthenticationError } from '#proxy/auth/authentication.ts';
import { BodyError } from '#proxy/body/request-body.ts';
import { BucketRefusal } from '#proxy/buckets/bucket-directory.ts';
import { QuotaExceeded } from '#proxy/quota/quota-error.ts';
import { S3Error, type S3ErrorCode } from './errors.ts';
import { XmlError } from './xml/reader.ts';

const RETRY_AFTER: Readonly<Record<string, string>> = { 'Retry-After': '1' };

/** What a client can do about each of our codes; one that is not here is our own failure. */
const codes: Readonly<Partial<Record<ErrorCode, S3ErrorCode>>> = {
  'quorum-unavailable': 'ServiceUnavailable',
  'outcome-unknown': 'ServiceUnavailable',
  'peer-unavailable': 'ServiceUnavailable',
  'ring-outdated': 'ServiceUnavailable',
  'device-failed': 'ServiceUnavailable',
  'device-full': 'ServiceUnavailable',
  'clock-skewed': 'ServiceUnavailable',
  overloaded: 'SlowDown',
  'versions-exceeded': 'InvalidRequest',
};

const refusals: Readonly<Record<BucketRefusal['reason'], S3ErrorCode>> = {
  missing: 'NoSuchBucket',
  foreign: 'AccessDenied',
  deleting: 'OperationAborted',
};

export function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  if (error instanceof AuthenticationError || error instanceof BodyError) {
    return new S3Error(error.reason, error.message, { fields: error.fields, cause: error });
  }
  if (error instanceof QuotaExceeded) {
    const code = error.limited === 'containers' ? 'TooManyBuckets' : 'QuotaExceeded';
    return new S3Error(code, undefined, { cause: error });
  }
  if (error instanceof XmlError) return new S3Error('MalformedXML', undefined, { cause: error });
  if (error instanceof BucketRefusal) return new S3Error(refusals[error.reason], undefined, { cause: error });
  if (error instanceof HoldfastError) {
    const code = codes[error.code];
    if (code === 'InvalidRequest') return new S3Error(code, error.message, { cause: error });
    if (code !== undefined) return new S3Error(code, undefined, { headers: RETRY_AFTER, cause: error });
  }
  return new S3Error('InternalError', undefined, { cause: error });
}
