import { isSpaceId, spaceId } from '#common/ids.ts';
import type { Account, CredentialStore } from '#proxy/auth/credential-store.ts';
import { ACCOUNT_PREFIX } from './auth/caller.ts';

/** The account that a path or a header names: `AUTH_` and its name, or its id. */
export function accountNamed(credentials: CredentialStore, name: string): Account | undefined {
  if (!name.startsWith(ACCOUNT_PREFIX)) return undefined;
  const rest = name.slice(ACCOUNT_PREFIX.length);
  return credentials.accountNamed(rest) ?? (isSpaceId(rest) ? credentials.account(spaceId(rest)) : undefined);
}
