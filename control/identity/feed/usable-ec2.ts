/** What an EC2 credential is good for now, in the words of the feed: docs/formats/identity-feed.md. */
import { hasCode } from '#common/errors.ts';
import type { Ec2Item } from '../../protocol/identity-feed.ts';
import { checkUser } from '../auth/proof.ts';
import { grantApplicationCredential, type Granted, grantProject } from '../auth/scope.ts';
import type { Identity } from '../identity.ts';
import type { CredentialRecord, UserRecord } from '../records/records.ts';

/** Undefined when it is of no use: somebody or something is gone or disabled, or there is no role. */
export async function usableEc2(identity: Identity, record: CredentialRecord): Promise<Ec2Item | undefined> {
  const { access, id: credentialId, sealed, user_id, project_id } = record;
  if (access === undefined || project_id === null) return undefined;
  const user = (await identity.users.find(user_id))?.value;
  if (user === undefined) return undefined;
  try {
    await checkUser(identity, user);
    const domain = await identity.domains.get(user.domain_id);
    const granted = await grantedTo(identity, user, record, project_id);
    if (granted === undefined || granted.scope.kind !== 'project') return undefined;
    return {
      kind: 'ec2',
      access,
      credentialId,
      sealed,
      user: { id: user.id, name: user.name, domain: { id: domain.id, name: domain.name } },
      project: granted.scope.project,
      roles: granted.roles.map(({ name }) => name),
      ...(granted.endsMs === undefined ? {} : { endsMs: granted.endsMs }),
    };
  } catch (error) {
    if (hasCode(error, 'request-refused')) return undefined;
    throw error;
  }
}

async function grantedTo(
  identity: Identity,
  user: UserRecord,
  { app_cred_id }: CredentialRecord,
  projectId: string,
): Promise<(Granted & { readonly endsMs?: number }) | undefined> {
  if (app_cred_id === undefined)
    return await grantProject(identity, user, await identity.projects.get(projectId));
  const credential = await identity.applicationCredentials.get(app_cred_id);
  // Access rules name paths of other APIs than S3's: nothing of it is permitted.
  if (credential.access_rule_ids !== null || credential.project_id !== projectId) return undefined;
  const granted = await grantApplicationCredential(identity, user, credential);
  const { expires_at } = credential;
  return expires_at === null ? granted : { ...granted, endsMs: Date.parse(expires_at) };
}
