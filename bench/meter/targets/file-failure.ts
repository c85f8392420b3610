/** What a filesystem says, as the failure of an operation. */
import type { ErrorCode } from '#common/errors.ts';
import { OperationFailure } from '../../load/operation-failure.ts';

const KINDS: Readonly<Record<string, readonly [ErrorCode, string, string]>> = {
  ENOSPC: ['device-full', 'disk-full', 'the disk is full'],
  EDQUOT: ['device-full', 'disk-full', 'the quota is used up'],
  ENOENT: ['blob-missing', 'not-found', 'the file is not there'],
  EACCES: ['request-refused', 'permission', 'permission denied'],
  EPERM: ['request-refused', 'permission', 'permission denied'],
  EROFS: ['request-refused', 'read-only', 'the filesystem is read-only'],
  EIO: ['device-failed', 'io-error', 'input/output error'],
  ESTALE: ['peer-unavailable', 'stale-handle', 'the file handle is stale'],
  EMFILE: ['overloaded', 'too-many-files', 'too many open files (raise ulimit -n)'],
};

export function fileFailure(error: unknown, path: string): OperationFailure {
  if (error instanceof OperationFailure) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const [ours, kind, words] = KINDS[code] ?? ['device-failed', `file ${code}`.trim(), String(error)];
  return new OperationFailure(ours, kind, `${path}: ${words}`);
}
