/**
 * How much a container or an account may hold: `X-Container-Meta-Quota-Bytes`, `X-Container-Meta-Quota-Count`, and
 * `X-Account-Meta-Quota-Bytes`, which only a reseller's admin sets (Object Storage API guide, "Container quotas", "Account
 * quotas"). Uploads that are under way at the same time may together go beyond, as they may with Swift.
 */
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { SwiftContext } from './context.ts';
import { SwiftError } from './errors.ts';
import type { SwiftRequest } from './request.ts';
import { accountUsage, containerUsage } from './usage.ts';

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

/** Throws 413 when an object more, of `addedBytes`, would be more than the container or its account may hold. */
export async function checkRoom(
  context: SwiftContext,
  bucket: BucketRecord,
  addedBytes: number,
): Promise<void> {
  const { 'quota-bytes': bytesMax, 'quota-count': countMax } = bucket.container?.metadata ?? {};
  if (bytesMax !== undefined || countMax !== undefined) {
    const { objects, bytes } = await containerUsage(context, bucket);
    if (bytesMax !== undefined && bytes + addedBytes > Number(bytesMax)) throw exceeded();
    if (countMax !== undefined && objects + 1 > Number(countMax)) throw exceeded();
  }
  const accountBytesMax = (await context.accounts.readRecent(bucket.owner))?.metadata['quota-bytes'];
  if (accountBytesMax === undefined) return;
  const { bytes } = await accountUsage(context, bucket.owner);
  if (bytes + addedBytes > Number(accountBytesMax)) throw exceeded();
}

function exceeded(): SwiftError {
  return new SwiftError(413, 'Upload exceeds quota.');
}
