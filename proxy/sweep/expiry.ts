/** Goes over the objects that are to expire. */
import type { ListingStart } from '#cluster/cluster.ts';
import { type ExpireContext, expireObjects, type ExpiryFigures, nothingExpired } from './expire-objects.ts';
import type { ElectedWork } from './elected-pass.ts';

export function expiryWork(context: ExpireContext): ElectedWork<ExpiryFigures> {
  return {
    name: 'expired',
    none: nothingExpired,
    run: async (figures, pace) => {
      let start: ListingStart | undefined;
      do {
        const from: ListingStart | undefined = start;
        start = await pace.throttled(() => expireObjects(context, from, figures));
      } while (start !== undefined && !pace.isStopped);
    },
  };
}
