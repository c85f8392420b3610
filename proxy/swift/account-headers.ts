/** What HEAD and GET of an account answer with. */
import type { Account } from '#proxy/auth/credential-store.ts';
import type { SwiftContext } from './context.ts';
import { POLICY_NAME } from './limits.ts';
import { pushMetadata } from './metadata.ts';
import type { Permission } from './permission.ts';
import type { FlatHeaders } from './reply.ts';
import { timestamp } from './timestamps.ts';
import { accountUsage } from '#control/protocol/account-usage.ts';

/** Metadata that gives access to whoever knows it. */
export const SECRET_METADATA = ['temp-url-key', 'temp-url-key-2'];

export async function accountHeaders(
  context: SwiftContext,
  account: Account,
  { isOwner }: Permission,
): Promise<FlatHeaders> {
  const [record, usage] = await Promise.all([
    context.accounts.read(account.id),
    accountUsage(context.cluster, account.id),
  ]);
  const { containers, objects, bytes } = usage;
  const policy = `X-Account-Storage-Policy-${POLICY_NAME}`;
  const headers: FlatHeaders = [
    ...['X-Account-Container-Count', containers],
    ...['X-Account-Object-Count', objects],
    ...['X-Account-Bytes-Used', bytes],
    ...[`${policy}-Container-Count`, containers],
    ...[`${policy}-Object-Count`, objects],
    ...[`${policy}-Bytes-Used`, bytes],
    ...['X-Timestamp', timestamp(record?.createdMs ?? context.clock.nowMs())],
    ...['Accept-Ranges', 'bytes'],
  ];
  if (account.domainId !== undefined) headers.push('X-Account-Project-Domain-Id', account.domainId);
  if (record === undefined) return headers;
  pushMetadata(headers, 'X-Account-Meta-', isOwner ? record.metadata : withoutSecrets(record.metadata));
  const acl = record.settings['access-control'];
  if (isOwner && acl !== undefined) headers.push('X-Account-Access-Control', acl);
  return headers;
}

export function withoutSecrets(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !SECRET_METADATA.includes(name)));
}
