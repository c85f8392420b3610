/** HEAD of an account: how much it holds, and its metadata (Object Storage API reference). */
import { accountHeaders } from '../account-headers.ts';
import { sendListingHead } from '../listing/listing-text.ts';
import { permit } from '../permission.ts';
import type { Operation } from '../request.ts';

export const headAccount: Operation = async (request, context) => {
  const permission = await permit(request, context, { scope: 'account' });
  const headers = await accountHeaders(context, request.account, permission);
  sendListingHead(request, headers);
};
