import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import { readObject, removeObject } from '#proxy/objects/object-store.ts';
import { isExpired } from '#proxy/objects/swift-properties.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';

/** Throws 404 where there is none, and 412 when it expires at another time than `ifDeleteAt`. */
export async function removeNamed(
  context: SwiftContext,
  lease: BucketLease,
  name: string,
  ifDeleteAt?: number,
): Promise<void> {
  const { cluster, clock } = context;
  const current = await readObject(cluster, lease.bucket, name);
  if (current === undefined) throw new SwiftError(404);
  const { swift, etag } = current.metadata;
  if (ifDeleteAt !== undefined && swift?.deleteAtSeconds !== ifDeleteAt) throw new SwiftError(412);
  const condition = { ifMatch: ifDeleteAt === undefined ? ('*' as const) : [etag] };
  const { outcome } = await removeObject(cluster, lease, name, condition);
  // One that has expired is gone for its client, whoever takes it away at last.
  if (outcome === 'missing' || isExpired(swift, clock.nowMs())) throw new SwiftError(404);
  if (outcome !== 'done') throw new SwiftError(412);
}
