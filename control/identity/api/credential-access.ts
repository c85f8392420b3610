/** What a token may see and make of a user's credentials, besides what the policy says of its user. */
import type { TokenStatement } from '../../protocol/token-statement.ts';
import { projectIdOf } from '../../protocol/token-statement.ts';
import { mayDo } from '../../policy/policy.ts';
import { forbidden, notFound } from '../api-error.ts';
import type { CredentialRecord } from '../records/records.ts';

/** A program that logged in with an application credential has to do with what was made with that one, and with nothing else. */
export function isWithin({ applicationCredential }: TokenStatement, record: CredentialRecord): boolean {
  return applicationCredential === undefined || record.app_cred_id === applicationCredential.id;
}

/** Throws 404 for what the bearer has nothing to do with. */
export function assertWithin(bearer: TokenStatement, record: CredentialRecord): void {
  if (!isWithin(bearer, record)) throw notFound('credential', record.id);
}

/** A secret is shown to who may change it: whoever reads everybody's credentials is not to become everybody. */
export function seesSecret(bearer: TokenStatement, { user_id }: CredentialRecord): boolean {
  return mayDo('identity:update_credential', bearer, { userId: user_id });
}

/** The application credential that a new credential hangs on: it gives no more, and no longer. Throws 403. */
export function originOf(
  bearer: TokenStatement,
  wanted: { readonly userId: string; readonly projectId: string | undefined },
): string | undefined {
  const { applicationCredential, user } = bearer;
  if (applicationCredential === undefined) return undefined;
  if (wanted.userId !== user.id || wanted.projectId !== projectIdOf(bearer))
    throw forbidden('An application credential makes credentials for its own user and project.');
  return applicationCredential.id;
}
