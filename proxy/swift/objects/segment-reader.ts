import type { SegmentReader } from '#proxy/large-objects/representation.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import type { SwiftRequest } from '../request.ts';
import { besides, readableElsewhere } from './elsewhere.ts';

/** Reads the segments of large objects by the leave of whoever sent the request. */
export function segmentReader(request: SwiftRequest, context: SwiftContext): SegmentReader {
  return {
    cluster: context.cluster,
    nowMs: context.clock.nowMs(),
    container: async (name, purpose) => {
      try {
        return await readableElsewhere(request, context, besides(request, name), purpose);
      } catch (error) {
        if (error instanceof SwiftError && error.status === 404) return undefined;
        throw error;
      }
    },
  };
}
