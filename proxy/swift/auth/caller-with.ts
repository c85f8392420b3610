/** Who shows a token, be it TempAuth's or identity's. */
import { hasCode } from '#common/errors.ts';
import { isPermitted } from '#control/protocol/access-rules.ts';
import type { TokenStatement } from '#control/protocol/token-statement.ts';
import type { SwiftContext } from '../context.ts';
import { type Caller, callerOf } from './caller.ts';
import { identityCallerOf } from './identity-caller.ts';
import { isTempAuthToken } from './tokens.ts';

/** The type under which the catalogue names this API. */
const SERVICE = 'object-store';

export interface AskedFor {
  readonly method: string;
  readonly path: string;
}

/** `nobody`: the token is of no use, or not for this. Throws `peer-unavailable` when nobody can tell. */
export function callerWith(token: string, asked: AskedFor, context: SwiftContext): Caller | 'nobody' {
  const { tokens, identity, credentials, clock } = context;
  if (isTempAuthToken(token)) {
    const credential = tokens.check(token, credentials, clock.nowMs());
    return credential === undefined ? 'nobody' : callerOf(credential.principal);
  }
  let statement: TokenStatement | undefined;
  try {
    statement = identity?.verifyToken(token);
  } catch (error) {
    if (!hasCode(error, 'unauthenticated')) throw error;
  }
  if (statement === undefined) return 'nobody';
  const rules = statement.applicationCredential?.accessRules;
  if (rules !== undefined && !isPermitted(rules, { service: SERVICE, ...asked })) return 'nobody';
  return identityCallerOf(statement, credentials) ?? 'nobody';
}
