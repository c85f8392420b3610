/** Whether a removal failed because there was nothing to remove. */
import { OperationFailure } from '../../load/operation-failure.ts';

export function isAbsence(error: unknown): boolean {
  return error instanceof OperationFailure && /^(not-found|http-404)/.test(error.kind);
}
