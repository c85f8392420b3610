/** What an EC2 credential is good for now, in the words of the feed: docs/formats/identity-feed.md. */
import { hasCode } from '#common/errors.ts';
import type { Ec2Item } from '../../protocol/identity-feed.ts';
import { checkUser } from '../auth/proof.ts';
import { grantOf } from '../auth/scope.ts';
import type { Identity } from '../identity.ts';
import type { CredentialRecord } from '../records/records.ts';

/** Undefined when it is of no use: somebody or something is gone or disabled, or there is no role. */
export async function usableEc2(identity: Identity, record: CredentialRecord): Promise<Ec2Item | undefined> {
  const { access, id: credentialId, sealed, user_id, app_cred_id } = record;
  if (access === undefined) return undefined;
  try {
    const user = await identity.users.get(user_id);
    await checkUser(identity, user);
    const domain = await identity.domains.get(user.domain_id);
    const { scope, roles } = await grantOf(identity, record);
    if (scope.kind !== 'project') return undefined;
    const origin =
      app_cred_id === undefined ? undefined : await identity.applicationCredentials.get(app_cred_id);
    // Access rules name paths of other APIs than S3's: nothing of it is permitted.
    if (origin !== undefined && origin.access_rule_ids !== null) return undefined;
    const endsAt = origin?.expires_at ?? undefined;
    return {
      kind: 'ec2',
      access,
      credentialId,
      sealed,
      user: { id: user.id, name: user.name, domain: { id: domain.id, name: domain.name } },
      project: scope.project,
      roles: roles.map(({ name }) => name),
      ...(endsAt === undefined ? {} : { endsMs: Date.parse(endsAt) }),
    };
  } catch (error) {
    if (hasCode(error, 'request-refused')) return undefined;
    throw error;
  }
}
