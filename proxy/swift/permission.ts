/** Lets a request through to what it names, or refuses it: the decision is access/decide.ts's. */
import { parseAccountAcl } from './access/account-acl.ts';
import { parseAcl } from './access/container-acl.ts';
import { type AccessAnswer, type AccessQuestion, decideAccess } from './access/decide.ts';
import type { SwiftContext } from './context.ts';
import { SwiftError } from './errors.ts';
import type { SwiftRequest } from './request.ts';

export interface Permission {
  /** Whether what only the account's own people may see and set is included. */
  readonly isOwner: boolean;
}

export interface Asked {
  readonly scope: AccessQuestion['scope'];
  /** The container's list that applies; undefined where none does. */
  readonly acl?: string | undefined;
  /** The request's own when left out. */
  readonly method?: string;
}

/** Throws 401 to somebody unknown and 403 to somebody who may not. */
export async function permit(
  request: SwiftRequest,
  context: SwiftContext,
  asked: Asked,
): Promise<Permission> {
  const { caller, knownAccount, grant, resource } = request;
  if (grant !== undefined) {
    const covers = grant.container === undefined || grant.container === resource.container;
    if (covers && grant.account === resource.account) return { isOwner: false };
    throw unauthorized(resource.account);
  }
  const question: AccessQuestion = {
    caller,
    account: knownAccount,
    method: asked.method ?? request.method,
    scope: asked.scope,
    acl: asked.acl === undefined ? undefined : parseAcl(asked.acl),
    referer: request.header('referer'),
    accountAcl: undefined,
  };
  let answer: AccessAnswer = decideAccess(question);
  if (answer === 'denied' && caller !== undefined && knownAccount !== undefined) {
    // The account's own list is another record: it is read only for strangers whom the container's does not name.
    const settings = (await context.accounts.read(knownAccount.id))?.settings;
    const accountAcl = parseAccountAcl(settings?.['access-control']);
    if (accountAcl !== undefined) answer = decideAccess({ ...question, accountAcl });
  }
  if (answer === 'denied') throw refusal(request);
  return { isOwner: answer === 'owner' };
}

export function refusal(request: SwiftRequest): SwiftError {
  return request.caller === undefined ? unauthorized(request.resource.account) : new SwiftError(403);
}

/** 401, with the account as the realm that the client is to prove itself for. */
export function unauthorized(realm: string): SwiftError {
  const quoted = encodeURIComponent(realm);
  return new SwiftError(401, undefined, { headers: ['WWW-Authenticate', `Swift realm="${quoted}"`] });
}
