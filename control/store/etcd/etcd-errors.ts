/**
 * What etcd's and gRPC's errors mean here. etcd's texts are in its api/v3rpc/rpctypes/error.go; only where a status alone
 * does not tell is a text looked at.
 */
import { type ServiceError, status } from '@grpc/grpc-js';
import { HoldfastError } from '#common/errors.ts';

export type Failure =
  /** etcd has answered: nothing has happened, and the same again would be answered alike. */
  | { readonly kind: 'refused'; readonly error: HoldfastError }
  /** Nothing has happened, and another member, or the same one later, may do it. */
  | { readonly kind: 'not-done'; readonly error: HoldfastError }
  /** The token of the user is not known (any more). Nothing has happened. */
  | { readonly kind: 'token-refused'; readonly error: HoldfastError }
  /** It may have happened, or may yet. */
  | { readonly kind: 'unknown'; readonly error: HoldfastError };

const NOT_DONE = /no leader|too many requests|not ready|leader transferee|learner/i;
const TOKEN_REFUSED = /invalid auth token|revision in header is old|user name is empty/;

export function failureOf(error: unknown): Failure {
  if (!isServiceError(error)) return { kind: 'unknown', error: unavailable(error) };
  const text = error.details;
  if (TOKEN_REFUSED.test(text)) return { kind: 'token-refused', error: refused('request-refused', error) };
  switch (error.code) {
    case status.OUT_OF_RANGE:
      return {
        kind: 'refused',
        error: refused(text.includes('compacted') ? 'revision-compacted' : 'invalid-argument', error),
      };
    case status.NOT_FOUND:
      return { kind: 'refused', error: refused('lease-unknown', error) };
    case status.RESOURCE_EXHAUSTED:
      if (text.includes('space exceeded')) return { kind: 'refused', error: refused('store-full', error) };
      if (NOT_DONE.test(text)) return { kind: 'not-done', error: refused('overloaded', error) };
      // A message larger than either side takes: an answer may have been too large, after the work was done.
      return { kind: 'unknown', error: unavailable(error) };
    case status.INVALID_ARGUMENT:
      return { kind: 'refused', error: refused('invalid-argument', error) };
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
    case status.FAILED_PRECONDITION:
    case status.UNIMPLEMENTED:
      return { kind: 'refused', error: refused('request-refused', error) };
    default:
      return { kind: NOT_DONE.test(text) ? 'not-done' : 'unknown', error: unavailable(error) };
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error && typeof error.details === 'string';
}

function refused(code: ConstructorParameters<typeof HoldfastError>[0], cause: ServiceError): HoldfastError {
  return new HoldfastError(code, `etcd: ${cause.details}`, { cause });
}

function unavailable(cause: unknown): HoldfastError {
  const detail = isServiceError(cause) ? `: ${cause.details}` : '';
  return new HoldfastError('store-unavailable', `etcd cannot be reached${detail}`, { cause });
}
