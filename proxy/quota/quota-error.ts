import { HoldfastError } from '#common/errors.ts';
import type { AmountName } from './amounts.ts';

/** There is no room for what a request adds; nothing has been written. */
export class QuotaExceeded extends HoldfastError {
  readonly limited: AmountName;

  constructor(limited: AmountName) {
    super('quota-exceeded', `the quota of ${limited} would be exceeded`);
    this.limited = limited;
  }
}
