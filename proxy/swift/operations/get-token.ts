/**
 * GET /auth/v1.0: a token for a user's name and key (Object Storage API reference, "Authentication", version 1). The forms of
 * the path: `/auth/v1.0`, `/auth/auth`, `/auth/v1/ACCOUNT/auth`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Credential } from '#proxy/auth/credential-store.ts';
import { ACCOUNT_PREFIX } from '../auth/caller.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import { unauthorized } from '../permission.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation, SwiftRequest } from '../request.ts';

interface Login {
  readonly account: string;
  readonly user: string;
  readonly key: string;
}

export const getToken: Operation = (request, context) => {
  const credential = verified(loginOf(request), context);
  const { text, expiresSeconds } = context.tokens.issue(credential, context.clock.nowMs());
  const account = encodeURIComponent(ACCOUNT_PREFIX + credential.principal.accountName);
  const headers: FlatHeaders = ['X-Auth-Token', text, 'X-Storage-Token', text];
  headers.push('X-Auth-Token-Expires', expiresSeconds);
  headers.push('X-Storage-Url', `http://${request.header('host') ?? 'localhost'}/v1/${account}`);
  request.reply.accepted(200, headers);
  return Promise.resolve();
};

function loginOf(request: SwiftRequest): Login {
  const [, , version, account, last, ...more] = request.path.split('/');
  const userHeader = request.header('x-auth-user');
  const storageUser = request.header('x-storage-user');
  const key = request.header('x-auth-key') ?? request.header('x-storage-pass') ?? '';
  if (version === 'v1' && account !== undefined && last === 'auth' && more.length === 0) {
    if (storageUser !== undefined) return { account, user: storageUser, key };
    const named = splitUser(userHeader);
    if (named.account !== account) throw unauthorized(account);
    return { ...named, key };
  }
  if (version === 'v1.0' || version === 'auth') return { ...splitUser(userHeader ?? storageUser), key };
  throw new SwiftError(400);
}

function splitUser(text: string | undefined): Omit<Login, 'key'> {
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 0) throw unauthorized('unknown');
  return { account: text.slice(0, colon), user: text.slice(colon + 1) };
}

function verified({ account, user, key }: Login, context: SwiftContext): Credential {
  const credential = context.credentials.findUser(account, user);
  // Both are digested, so that neither a length nor a common beginning shows in the time that it takes.
  const expected = digestOf(credential?.secretKey ?? '');
  const matches = timingSafeEqual(digestOf(key), expected);
  if (credential === undefined || key === '' || !matches) throw unauthorized(account);
  return credential;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
