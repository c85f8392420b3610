/** Whoever sends a request without a signature, as a principal of its own. */
import { spaceId } from '#common/ids.ts';
import type { Principal } from '#proxy/auth/principal.ts';

/** S3's canonical id of the anonymous user. No account has it, and nothing is ever owned by it. */
export const anonymousAccount = spaceId('65a011a29cdf8ec533ec3d1ccaae921c');

export const anonymousPrincipal: Principal = Object.freeze({
  userName: 'anonymous',
  account: anonymousAccount,
  accountName: 'anonymous',
  accessKey: '',
  role: 'member',
  admin: false,
});

export function isAnonymous(principal: Pick<Principal, 'account'>): boolean {
  return principal.account === anonymousAccount;
}
