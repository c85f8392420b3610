/** Whether a request may do what it asks for. Pure; the rules of TempAuth and Keystone auth (Object Storage administrator guide). */
import type { Account } from '#proxy/auth/credential-store.ts';
import type { Caller } from '../auth/caller.ts';
import type { AccountAcl } from './account-acl.ts';
import { type ContainerAcl, isReferrerAllowed } from './container-acl.ts';

/** `owner`: may also see and set what only the account's own people may. */
export type AccessAnswer = 'owner' | 'allowed' | 'denied';

export interface AccessQuestion {
  readonly caller: Caller | undefined;
  /** The account that the path names, when there is one. */
  readonly account: Account | undefined;
  readonly method: string;
  readonly scope: 'account' | 'container' | 'object';
  /** The container's list that applies to the method; undefined where none does. */
  readonly acl: ContainerAcl | undefined;
  readonly referer: string | undefined;
  /** Undefined when the account has none, or when it has not been asked for. */
  readonly accountAcl: AccountAcl | undefined;
}

export function decideAccess(question: AccessQuestion): AccessAnswer {
  const { caller, account, method, scope, acl } = question;
  if (caller?.principal.admin === true) return 'owner';
  if (caller?.readsEverything === true && isRead(method)) return 'allowed';
  const ownAccount = caller !== undefined && caller.principal.account === account?.id;
  const manages = scope === 'account' && (method === 'PUT' || method === 'DELETE');
  if (ownAccount && caller.principal.role === 'owner' && !manages) return 'owner';
  if (ownAccount && caller.principal.role === 'reader' && isRead(method)) return 'allowed';
  if (acl !== undefined) {
    const referred = isReferrerAllowed(question.referer, acl.referrers);
    if (referred && (scope === 'object' || acl.groups.has('.rlistings'))) return 'allowed';
    if (caller !== undefined && shares(acl.groups, caller.groupsFor(account))) return 'allowed';
  }
  return byAccountAcl(question);
}

function byAccountAcl({ caller, account, method, scope, accountAcl }: AccessQuestion): AccessAnswer {
  if (caller === undefined || accountAcl === undefined) return 'denied';
  const groups = caller.groupsFor(account);
  const reads = isRead(method);
  if (shares(accountAcl.admin, groups)) return 'owner';
  if (shares(accountAcl['read-write'], groups) && (scope !== 'account' || reads)) return 'allowed';
  if (shares(accountAcl['read-only'], groups) && reads) return 'allowed';
  return 'denied';
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function shares(names: Iterable<string>, groups: ReadonlySet<string>): boolean {
  for (const name of names) if (groups.has(name)) return true;
  return false;
}
