/** Who shows a token, be it TempAuth's or identity's. */
import { hasCode } from '#common/errors.ts';
import { isPermitted } from '#control/protocol/access-rules.ts';
import type { TokenStatement } from '#control/protocol/token-statement.ts';
import type { VerifyOptions } from '#control/protocol/token-verifier.ts';
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

/** The role of a service's own user, as the first start makes it. */
const SERVICE_ROLE = 'service';

export interface ShownTokens {
  readonly user: string;
  /** `X-Service-Token`: of the service that passes the user's wish on. */
  readonly service: string | string[] | undefined;
}

/** `nobody`: a token is of no use, or not for this. Throws `peer-unavailable` when nobody can tell. */
export function callerWith(
  { user: token, service }: ShownTokens,
  asked: AskedFor,
  context: SwiftContext,
): Caller | 'nobody' {
  const { tokens, credentials, clock } = context;
  const passing = service === undefined ? undefined : statementOf(String(service), context);
  // A token that is of no use is refused, and not taken for none.
  if (service !== undefined && passing === undefined) return 'nobody';
  if (isTempAuthToken(token)) {
    const credential = tokens.check(token, credentials, clock.nowMs());
    return credential === undefined ? 'nobody' : callerOf(credential.principal);
  }
  const isPassedOn = passing?.roles.some(({ name }) => name === SERVICE_ROLE) === true;
  const statement = statementOf(token, context, { allowsLate: isPassedOn });
  if (statement === undefined) return 'nobody';
  // What a service asks for in the course of a user's wish was permitted where the user expressed it.
  const rules = isPassedOn ? undefined : statement.applicationCredential?.accessRules;
  if (rules !== undefined && !isPermitted(rules, { service: SERVICE, ...asked })) return 'nobody';
  return identityCallerOf(statement, credentials) ?? 'nobody';
}

function statementOf(
  token: string,
  { identity }: SwiftContext,
  options?: VerifyOptions,
): TokenStatement | undefined {
  try {
    return identity?.verifyToken(token, options);
  } catch (error) {
    if (!hasCode(error, 'unauthenticated')) throw error;
    return undefined;
  }
}
