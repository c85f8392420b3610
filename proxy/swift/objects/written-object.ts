import { httpTime } from '#proxy/http/http-time.ts';
import type { WriteOutcome } from '#proxy/objects/object-store.ts';
import { SwiftError } from '../errors.ts';
import type { SwiftRequest } from '../request.ts';

export interface WrittenObject {
  readonly written: WriteOutcome;
  /** As it is shown. */
  readonly etag: string;
}

/** @param etag as it is shown. Throws 412 when the condition of the write did not hold. */
export function answerWritten(request: SwiftRequest, written: WriteOutcome, etag: string): void {
  if (written.outcome !== 'done') throw new SwiftError(412);
  request.reply.accepted(201, ['Last-Modified', httpTime(written.modifiedMs), 'Etag', etag]);
}
