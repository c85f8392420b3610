/** Containers beside the one that a request names: a copy's other end, those of segments and of bulk operations. */
import type { Account } from '#proxy/auth/credential-store.ts';
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { isPossible } from '../container-of.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import { permit } from '../permission.ts';
import { checkRoom } from '../quotas.ts';
import type { SwiftRequest } from '../request.ts';

export interface Place {
  readonly account: Account | undefined;
  /** As a path has it: `AUTH_name`. */
  readonly accountName: string;
  readonly container: string;
}

/** The container of that name in the account that the request is about. */
export function besides(request: SwiftRequest, container: string): Place {
  return { account: request.knownAccount, accountName: request.resource.account, container };
}

/** For reading its objects, or for listing them. Throws 401, 403 and 404. */
export async function readableElsewhere(
  request: SwiftRequest,
  context: SwiftContext,
  place: Place,
  purpose: 'read' | 'list' = 'read',
): Promise<BucketRecord> {
  const { account, container } = place;
  const possible = account !== undefined && isPossible(container);
  const bucket = possible ? await context.directory.findOwn(account.id, container) : undefined;
  await permit(redirected(request, 'GET', place), context, {
    scope: purpose === 'list' ? 'container' : 'object',
    acl: bucket?.container?.settings['read'],
  });
  if (bucket === undefined) throw new SwiftError(404);
  return bucket;
}

/**
 * For writing and removing its objects. Throws 401, 403 and 404, and 413 when there is no room for what a PUT adds.
 * @param addedBytes length of what is put.
 */
export async function writableElsewhere(
  request: SwiftRequest,
  context: SwiftContext,
  place: Place,
  method: 'PUT' | 'DELETE',
  addedBytes = 0,
): Promise<BucketLease> {
  const { account, container } = place;
  const possible = account !== undefined && isPossible(container);
  const lease = possible ? await context.directory.leaseOwn(account.id, container) : undefined;
  await permit(redirected(request, method, place), context, {
    scope: 'object',
    acl: lease?.bucket.container?.settings['write'],
  });
  if (lease === undefined) throw new SwiftError(404);
  if (method === 'PUT') await checkRoom(lease, addedBytes);
  return lease;
}

function redirected(request: SwiftRequest, method: string, place: Place): SwiftRequest {
  const { account, accountName, container } = place;
  const { version } = request.resource;
  return request.elsewhere(method, account, { version, account: accountName, container, object: undefined });
}
