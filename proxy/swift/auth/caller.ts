/** Who sends a request: a user by a token, or nobody that we know. */
import type { Principal } from '#proxy/auth/principal.ts';

export const ACCOUNT_PREFIX = 'AUTH_';

export interface Caller {
  readonly principal: Principal;
  /** The names under which access lists know the user: its account, itself, and the account's id for an owner. */
  readonly groups: ReadonlySet<string>;
}

export function callerOf(principal: Principal): Caller {
  const { accountName, userName, role } = principal;
  const groups = new Set([accountName, `${accountName}:${userName}`]);
  if (role === 'owner') groups.add(ACCOUNT_PREFIX + accountName);
  return { principal, groups };
}
