/** PUT of a container: creates it, or changes its metadata when it is there (Object Storage API reference). */
import { isBucketName } from '#proxy/buckets/bucket-name.ts';
import type { ContainerFields } from '#proxy/buckets/bucket-record.ts';
import { createContainer } from '#proxy/buckets/create-bucket.ts';
import { readContainerChange, touchedContainer } from '../container-change.ts';
import { CONTAINER_NAME_BYTES_MAX } from '../container-of.ts';
import { SwiftError } from '../errors.ts';
import { POLICY_NAME } from '../limits.ts';
import { permit } from '../permission.ts';
import type { Operation, SwiftRequest } from '../request.ts';

export const putContainer: Operation = async (request, context) => {
  const permission = await permit(request, context, { scope: 'container' });
  const { account, container: name } = request;
  const bytes = Buffer.byteLength(name);
  if (bytes > CONTAINER_NAME_BYTES_MAX) {
    throw new SwiftError(400, `Container name length of ${bytes} longer than ${CONTAINER_NAME_BYTES_MAX}`);
  }
  const change = readContainerChange(request, permission);
  const policy = namedPolicy(request);
  const owner = { account: account.id, accountName: account.name };
  const { made } = await createContainer(context.buckets, owner, name, {
    claims: isBucketName(name),
    change: (container: ContainerFields | undefined, nowMs: number) =>
      touchedContainer(container, change, nowMs),
  });
  context.directory.revoke();
  if (!made && policy !== undefined && policy !== POLICY_NAME) throw new SwiftError(409);
  request.reply.accepted(made ? 201 : 202);
};

/** Throws 400 for a policy that there is none of. */
function namedPolicy(request: SwiftRequest): string | undefined {
  const policy = request.header('x-storage-policy');
  if (policy === undefined || policy === '') return undefined;
  if (policy.toLowerCase() === POLICY_NAME) return POLICY_NAME;
  throw new SwiftError(400, `Invalid X-Storage-Policy '${policy}'`, { contentType: 'text/plain' });
}
