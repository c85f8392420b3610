/**
 * How much a container or an account may hold: `X-Container-Meta-Quota-Bytes`, `X-Container-Meta-Quota-Count`, and
 * `X-Account-Meta-Quota-Bytes`, which only a reseller's admin sets (Object Storage API guide, "Container quotas", "Account
 * quotas"). proxy/quota/ keeps to them.
 */
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import { INLINE_BYTES_MAX } from '#proxy/objects/object-record.ts';
import { SwiftError } from './errors.ts';
import type { SwiftRequest } from './request.ts';

const DIGITS = /^\d+$/;

type Entries = Readonly<Record<string, string>>;

/** @param change what a request sets; '' removes. Throws 400. */
export function checkContainerQuotas(change: Entries): void {
  for (const unit of ['bytes', 'count']) {
    const quota = change[`quota-${unit}`];
    if (quota !== undefined && quota !== '' && !DIGITS.test(quota)) {
      throw new SwiftError(400, `Invalid ${unit} quota.`);
    }
  }
}

/** Throws 400, and 403 for whoever may not set it. */
export function checkAccountQuota(request: SwiftRequest, change: Entries): void {
  const quota = change['quota-bytes'];
  if (quota === undefined) return;
  if (request.caller?.principal.admin !== true) throw new SwiftError(403);
  if (quota !== '' && !DIGITS.test(quota)) throw new SwiftError(400);
}

/**
 * Throws 413 when an object more, of `addedBytes`, would be more than the container or its account may hold as they are now. It is
 * looked at here for long bodies only, which are not to be sent in vain: the write itself takes the room.
 */
export async function checkRoom(lease: BucketLease, addedBytes: number): Promise<void> {
  if (addedBytes > INLINE_BYTES_MAX) await lease.checkRoom(addedBytes);
}
