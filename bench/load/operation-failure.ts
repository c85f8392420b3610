/** An operation that did not do what it was to do. `kind` is what the report counts by: short, stable, few. */
import { type ErrorCode, HoldfastError } from '#common/errors.ts';

export class OperationFailure extends HoldfastError {
  /** Such as `http-503 SlowDown`, `timeout`, `connection-closed`, `content-mismatch`. */
  readonly kind: string;

  constructor(code: ErrorCode, kind: string, detail: string) {
    super(code, detail);
    this.name = 'OperationFailure';
    this.kind = kind;
  }
}

export function timedOut(seconds: number): OperationFailure {
  return new OperationFailure('peer-unavailable', 'timeout', `no progress for ${seconds} s`);
}

/** What was under way when the run was told to end. */
export function stopped(): OperationFailure {
  return new OperationFailure('aborted', 'aborted', 'the run was stopped');
}

/** @param code the S3 error code of the answer's body, '' when there is none. */
export function refused(status: number, code: string, message: string): OperationFailure {
  const kind = code === '' ? `http-${status}` : `http-${status} ${code}`;
  return new OperationFailure('request-refused', kind, message === '' ? kind : `${kind}: ${message}`);
}

const SOCKET_KINDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-reset',
  EPIPE: 'connection-reset',
  ENOTFOUND: 'host-unknown',
  EAI_AGAIN: 'host-unknown',
  ETIMEDOUT: 'timeout',
};

/** Takes what a socket reported for a failure of the operation that was under way. */
export function socketFailure(error: Error & { code?: string }): OperationFailure {
  if (error instanceof OperationFailure) return error;
  const code = error.code ?? '';
  return new OperationFailure(
    'peer-unavailable',
    SOCKET_KINDS[code] ?? `socket ${code}`.trim(),
    error.message,
  );
}
