import { HoldfastError } from '#common/errors.ts';

/** An archive is not what it is said to be, or unpacks to too much. */
export class ArchiveError extends HoldfastError {
  constructor(detail: string, options?: { cause?: unknown }) {
    super('body-refused', detail, options);
    this.name = 'ArchiveError';
  }
}
