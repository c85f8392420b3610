/** POST of an account: changes its metadata and its access list (Object Storage API reference). */
import { normalizeAccountAcl } from '../access/account-acl.ts';
import { mergeEntries, mergeMetadata, readMetadataChange } from '../metadata.ts';
import { permit } from '../permission.ts';
import { utf8Of } from '../query.ts';
import { checkAccountQuota } from '../quotas.ts';
import type { Operation } from '../request.ts';

const ACCOUNT_SETTINGS = ['access-control'];

export const postAccount: Operation = async (request, context) => {
  await permit(request, context, { scope: 'account' });
  const change = readMetadataChange(request.headers, 'account', ACCOUNT_SETTINGS);
  checkAccountQuota(request, change.metadata);
  const settings: Record<string, string> = { ...change.settings };
  const acl = settings['access-control'];
  if (acl !== undefined) settings['access-control'] = normalizeAccountAcl(utf8Of(acl) ?? acl);
  await context.accounts.change(request.account.id, (current) => ({
    metadata: mergeMetadata(current.metadata, change.metadata),
    settings: mergeEntries(current.settings, settings),
  }));
  request.reply.accepted(204);
};
