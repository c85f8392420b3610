/** HEAD of a container: how much it holds, and its metadata (Object Storage API reference). */
import { containerHeaders } from '../container-headers.ts';
import { currentContainer } from '../container-of.ts';
import { sendListingHead } from '../listing/listing-text.ts';
import type { Operation } from '../request.ts';

export const headContainer: Operation = async (request, context) => {
  const { bucket, isOwner } = await currentContainer(request, context);
  const headers = await containerHeaders(context, bucket, { isOwner });
  sendListingHead(request, headers);
};
