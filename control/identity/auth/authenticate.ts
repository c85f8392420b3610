/** From a request for a token to the token. */
import type {
  AccessRule,
  TokenApplicationCredential,
  TokenMethod,
  TokenStatement,
} from '../../protocol/token-statement.ts';
import { signToken } from '../../protocol/token-format.ts';
import { badRequest, unauthorized } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import type { ApplicationCredentialRecord, UserRecord } from '../records/records.ts';
import { limits } from '../settings.ts';
import { proveIdentity } from './proof.ts';
import type { AuthRequest } from './requests.ts';
import { type Granted, grantApplicationCredential, grantScope } from './scope.ts';

export interface IssuedToken {
  readonly token: string;
  readonly statement: TokenStatement;
}

/** Throws 401 and 400. */
export async function authenticate(identity: Identity, request: AuthRequest): Promise<IssuedToken> {
  const issuedMs = identity.clock.nowMs();
  const proof = await proveIdentity(identity, request);
  const { user, methods, token, applicationCredential } = proof;
  if (applicationCredential !== undefined) {
    if (request.scope !== undefined)
      throw badRequest('An application credential has its own scope: auth.scope must be left out.');
    const granted = await grantApplicationCredential(identity, user, applicationCredential);
    return await issue(identity, { issuedMs, user, methods, granted, applicationCredential });
  }
  const granted = await grantScope(identity, user, request.scope);
  return await issue(identity, { issuedMs, user, methods, granted, parent: token });
}

export interface TokenWish {
  /** From before anything was read of what the token says: what is revoked meanwhile takes it back. */
  readonly issuedMs: number;
  readonly user: UserRecord;
  readonly methods: readonly TokenMethod[];
  readonly granted: Granted;
  /** The token that it is made from: the new one does not outlive it. */
  readonly parent?: TokenStatement | undefined;
  readonly applicationCredential?: ApplicationCredentialRecord | undefined;
}

export async function issue(identity: Identity, wish: TokenWish): Promise<IssuedToken> {
  const { clock, keys, settings } = identity;
  const latestMs = wish.parent?.expiresMs ?? wish.issuedMs + settings.tokenSeconds * 1000;
  const endMs = Date.parse(wish.applicationCredential?.expires_at ?? '');
  const expiresMs = Number.isNaN(endMs) ? latestMs : Math.min(latestMs, endMs);
  const statement = await statementOf(identity, wish, expiresMs);
  const { id, privateKey } = keys.current(clock.nowMs());
  return { token: signToken(statement, id, privateKey), statement };
}

async function statementOf(
  identity: Identity,
  { issuedMs, user, methods, granted, parent, applicationCredential: credential }: TokenWish,
  expiresMs: number,
): Promise<TokenStatement> {
  const domain = await identity.domains.find(user.domain_id);
  if (domain === undefined || granted.roles.length > limits.rolesOfTokenMax) throw unauthorized();
  const auditId = identity.randomness.bytes(16).toString('base64url');
  return {
    user: { id: user.id, name: user.name, domain: { id: domain.value.id, name: domain.value.name } },
    scope: granted.scope,
    roles: granted.roles,
    methods,
    auditId,
    auditChainId: parent?.auditChainId ?? auditId,
    applicationCredential:
      credential === undefined ? undefined : await applicationCredentialOf(identity, credential),
    issuedMs,
    expiresMs,
  };
}

export async function applicationCredentialOf(
  identity: Identity,
  credential: ApplicationCredentialRecord,
): Promise<TokenApplicationCredential> {
  const accessRules = await rulesOf(identity, credential);
  return { id: credential.id, isRestricted: !credential.unrestricted, accessRules };
}

async function rulesOf(
  { accessRules }: Identity,
  { access_rule_ids }: ApplicationCredentialRecord,
): Promise<readonly AccessRule[] | undefined> {
  if (access_rule_ids === null) return undefined;
  const found = await Promise.all(access_rule_ids.map((id) => accessRules.find(id)));
  return found.flatMap((rule) => {
    if (rule === undefined) return [];
    const { id, service, method, path } = rule.value;
    return [{ id, service, method, path }];
  });
}
