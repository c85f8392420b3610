/** A token as the Identity API shows it (Identity API v3, "Validate and show information for token"). */
import type { TokenStatement } from '../../protocol/token-statement.ts';
import type { Identity } from '../identity.ts';

export async function tokenBody(
  identity: Identity,
  statement: TokenStatement,
  withCatalogue: boolean,
): Promise<object> {
  const { user, scope, roles, methods, auditId, auditChainId, applicationCredential: credential } = statement;
  // Where passwords never expire, looking at a token reads nothing of the store.
  const canExpire = methods.includes('password') && identity.settings.passwordDays > 0;
  const password = canExpire ? await identity.passwords.find(user.id) : undefined;
  const expiry = password?.expiresMs ?? null;
  const projectId = scope.kind === 'project' ? scope.project.id : undefined;
  return {
    token: {
      methods,
      user: {
        domain: user.domain,
        id: user.id,
        name: user.name,
        password_expires_at: expiry === null ? null : isoTime(expiry),
      },
      audit_ids: auditId === auditChainId ? [auditId] : [auditId, auditChainId],
      expires_at: isoTime(statement.expiresMs),
      issued_at: isoTime(statement.issuedMs),
      ...(scope.kind === 'project' ? { project: scope.project, is_domain: false } : {}),
      ...(scope.kind === 'domain' ? { domain: scope.domain } : {}),
      ...(scope.kind === 'system' ? { system: { all: true } } : {}),
      ...(scope.kind === 'unscoped' ? {} : { roles }),
      ...(withCatalogue && scope.kind !== 'unscoped'
        ? { catalog: identity.catalogue.for(user.id, projectId) }
        : {}),
      ...(credential === undefined
        ? {}
        : {
            application_credential: {
              id: credential.id,
              restricted: credential.isRestricted,
              ...(credential.accessRules === undefined ? {} : { access_rules: credential.accessRules }),
            },
          }),
    },
  };
}

/** As Keystone writes it, with microseconds: clients parse it by that form. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}
