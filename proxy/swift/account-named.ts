import { isSpaceId, spaceId } from '#common/ids.ts';
import type { Account, CredentialStore } from '#proxy/auth/credential-store.ts';
import { ACCOUNT_PREFIX, type Caller } from './auth/caller.ts';

/** The account that a path or a header names: `AUTH_` and its name, or its id. */
export function accountNamed(credentials: CredentialStore, name: string): Account | undefined {
  if (!name.startsWith(ACCOUNT_PREFIX)) return undefined;
  const rest = name.slice(ACCOUNT_PREFIX.length);
  return credentials.accountNamed(rest) ?? (isSpaceId(rest) ? credentials.account(spaceId(rest)) : undefined);
}

/** What is left of a project that has been deleted: who may do everything may still go there, by its id. */
export function formerAccount(caller: Caller | undefined, name = ''): Account | undefined {
  const id = name.slice(ACCOUNT_PREFIX.length);
  if (caller?.principal.admin !== true || !name.startsWith(ACCOUNT_PREFIX) || !isSpaceId(id))
    return undefined;
  return { id: spaceId(id), name: id };
}
