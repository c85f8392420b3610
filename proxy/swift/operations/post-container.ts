/** POST of a container: changes its metadata and its access lists (Object Storage API reference). */
import { bucketKey, decodeBucket, encodeBucket } from '#proxy/buckets/bucket-record.ts';
import { changedContainer, readContainerChange } from '../container-change.ts';
import { isPossible } from '../container-of.ts';
import { SwiftError } from '../errors.ts';
import { permit } from '../permission.ts';
import type { Operation } from '../request.ts';

export const postContainer: Operation = async (request, context) => {
  const permission = await permit(request, context, { scope: 'container' });
  const change = readContainerChange(request, permission);
  const { account, container: name } = request;
  if (!isPossible(name)) throw new SwiftError(404);
  const nowMs = context.clock.nowMs();
  const found = await context.cluster.records.mutate(bucketKey(account.id, name), (current) => {
    if (current === undefined) return { action: 'keep', result: false };
    const bucket = decodeBucket(current.content);
    const container = changedContainer(bucket.container, change, nowMs);
    if (container === undefined || container === bucket.container) return { action: 'keep', result: true };
    return { action: 'write', ...encodeBucket({ ...bucket, container }), result: true };
  });
  if (!found) throw new SwiftError(404);
  context.directory.revoke();
  request.reply.accepted(204);
};
