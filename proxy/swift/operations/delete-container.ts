/** DELETE of a container, which must be empty (Object Storage API reference). */
import { deleteBucket } from '#proxy/buckets/delete-bucket.ts';
import { isPossible } from '../container-of.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import { permit } from '../permission.ts';
import type { Operation, SwiftRequest } from '../request.ts';

export const deleteContainer: Operation = async (request, context) => {
  await removeContainer(request, context);
  request.reply.accepted(204);
};

/** Throws 401, 403, 404, and 409 for one that is not empty. */
export async function removeContainer(request: SwiftRequest, context: SwiftContext): Promise<void> {
  await permit(request, context, { scope: 'container' });
  const { account, container: name } = request;
  const bucket = isPossible(name) ? await context.directory.readOwn(account.id, name) : undefined;
  if (bucket === undefined) throw new SwiftError(404);
  const outcome = await deleteBucket(context.buckets, context.directory, bucket, name);
  if (outcome === 'missing') throw new SwiftError(404);
  if (outcome !== 'deleted') throw new SwiftError(409);
}
