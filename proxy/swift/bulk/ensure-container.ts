import { isBucketName } from '#proxy/buckets/bucket-name.ts';
import { createContainer } from '#proxy/buckets/create-bucket.ts';
import { isPossible } from '../container-of.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import { permit } from '../permission.ts';
import type { SwiftRequest } from '../request.ts';

/** Creates the container when there is none of that name; true when it did. Throws 400, 401 and 403. */
export async function ensureContainer(
  request: SwiftRequest,
  context: SwiftContext,
  name: string,
): Promise<boolean> {
  const { resource, knownAccount, account } = request;
  if (!isPossible(name)) throw new SwiftError(400);
  if ((await context.directory.findOwn(account.id, name)) !== undefined) return false;
  const { version, account: accountName } = resource;
  const wanted = { version, account: accountName, container: name, object: undefined };
  await permit(request.elsewhere('PUT', knownAccount, wanted), context, { scope: 'container' });
  const owner = { account: account.id, accountName: account.name };
  const { made } = await createContainer(context.buckets, owner, name, {
    claims: isBucketName(name),
    change: (before) => before,
  });
  context.directory.revoke();
  return made;
}
