/** Who sends a request: a user by a token, or nobody that we know. */
import type { Account } from '#proxy/auth/credential-store.ts';
import type { Principal } from '#proxy/auth/principal.ts';

export const ACCOUNT_PREFIX = 'AUTH_';

export interface Caller {
  readonly principal: Principal;
  /** May read every account. */
  readonly readsEverything?: boolean;
  /** The names under which access lists of this account know the user; of any account, when it is undefined. */
  groupsFor(account: Account | undefined): ReadonlySet<string>;
}

/** A user of the users file: its account, itself, and the account's id for an owner (TempAuth). */
export function callerOf(principal: Principal): Caller {
  const { accountName, userName, role } = principal;
  const groups = new Set([accountName, `${accountName}:${userName}`]);
  if (role === 'owner') groups.add(ACCOUNT_PREFIX + accountName);
  return { principal, groupsFor: () => groups };
}
