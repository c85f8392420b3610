import { HoldfastError } from '#common/errors.ts';

/** As a wire would carry it: an error that is none of ours is the device's. */
export function asHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return new HoldfastError('device-failed', 'a request failed unexpectedly', { cause: error });
}
