/** The container that a request names, for those who may use it. */
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { SwiftContext } from './context.ts';
import { CrossOrigin } from './cross-origin.ts';
import { SwiftError } from './errors.ts';
import { checkRoom } from './quotas.ts';
import { type Asked, type Permission, permit } from './permission.ts';
import type { SwiftRequest } from './request.ts';

export const CONTAINER_NAME_BYTES_MAX = 256;

export interface PermittedContainer extends Permission {
  readonly bucket: BucketRecord;
}

/**
 * For reading objects: at most a second old. A stranger is refused before being told whether there is one. Throws 401, 403
 * and 404.
 * @param name the request's own container when left out.
 */
export async function readableContainer(
  request: SwiftRequest,
  context: SwiftContext,
  name: string = request.container,
): Promise<PermittedContainer> {
  const bucket = await find(request, context, name);
  return await permitted(request, context, bucket, {
    scope: request.resource.object === undefined ? 'container' : 'object',
    acl: bucket?.container?.settings['read'],
  });
}

/** The same as it is now, for whoever shows what it holds besides objects. */
export async function currentContainer(
  request: SwiftRequest,
  context: SwiftContext,
): Promise<PermittedContainer> {
  const { knownAccount, container: name } = request;
  const possible = knownAccount !== undefined && isPossible(name);
  const bucket = possible ? await context.directory.readOwn(knownAccount.id, name) : undefined;
  return await permitted(request, context, bucket, {
    scope: 'container',
    acl: bucket?.container?.settings['read'],
  });
}

export interface WritableContainer extends Permission {
  readonly lease: BucketLease;
}

/** For writing and removing objects. Throws 401, 403 and 404. */
export async function writableContainer(
  request: SwiftRequest,
  context: SwiftContext,
): Promise<WritableContainer> {
  const { knownAccount, container: name } = request;
  const possible = knownAccount !== undefined && isPossible(name);
  const lease = possible ? await context.directory.leaseOwn(knownAccount.id, name) : undefined;
  const { isOwner } = await permitted(request, context, lease?.bucket, {
    scope: 'object',
    acl: lease?.bucket.container?.settings['write'],
  });
  if (lease === undefined) throw new SwiftError(404);
  if (request.method === 'PUT') await checkRoom(lease, Number(request.header('content-length') ?? 0));
  return { isOwner, lease };
}

/** The same without a look at who asks, for a part of the service that acts on somebody's leave. */
export async function find(
  request: SwiftRequest,
  context: SwiftContext,
  name: string,
): Promise<BucketRecord | undefined> {
  const { knownAccount } = request;
  if (knownAccount === undefined || !isPossible(name)) return undefined;
  return await context.directory.findOwn(knownAccount.id, name);
}

/** No longer name can have been created, and none of any length needs a look into the store. */
export function isPossible(name: string): boolean {
  return name.length <= CONTAINER_NAME_BYTES_MAX && Buffer.byteLength(name) <= CONTAINER_NAME_BYTES_MAX;
}

async function permitted(
  request: SwiftRequest,
  context: SwiftContext,
  bucket: BucketRecord | undefined,
  asked: Asked,
): Promise<PermittedContainer> {
  const metadata = bucket?.container?.metadata;
  if (metadata !== undefined) request.reply.allowOrigin(CrossOrigin.of(request.header('origin'), metadata));
  const { isOwner } = await permit(request, context, asked);
  if (bucket === undefined) throw new SwiftError(404);
  return { bucket, isOwner };
}
