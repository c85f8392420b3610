/** What an access key stands for, and what a project is called: as it is now. */
import type { AccessKeyOwner, FeedProject, ProjectRequest } from '../../protocol/identity-feed.ts';
import { ApiError } from '../api-error.ts';
import { applicationCredentialOf } from '../auth/authenticate.ts';
import { checkUser } from '../auth/proof.ts';
import { grantOf } from '../auth/scope.ts';
import { credentialIdOf } from '../ec2-credentials.ts';
import type { Identity } from '../identity.ts';

/** Undefined for a key that there is not, or that is good for nothing: its user or project disabled, no role left. */
export async function ownerOfAccessKey(
  identity: Identity,
  access: string,
): Promise<AccessKeyOwner | undefined> {
  const credential = (await identity.credentials.find(credentialIdOf(access)))?.value;
  if (credential === undefined || credential.type !== 'ec2') return undefined;
  const user = (await identity.users.find(credential.user_id))?.value;
  if (user === undefined) return undefined;
  try {
    await checkUser(identity, user);
    const { scope, roles } = await grantOf(identity, credential);
    const domain = await identity.domains.get(user.domain_id);
    if (scope.kind !== 'project') return undefined;
    const origin =
      credential.app_cred_id === undefined
        ? undefined
        : (await identity.applicationCredentials.find(credential.app_cred_id))?.value;
    return {
      access,
      credentialId: credential.id,
      sealed: credential.sealed,
      user: { id: user.id, name: user.name, domain: { id: domain.id, name: domain.name } },
      scope,
      roles,
      applicationCredential:
        origin === undefined ? undefined : await applicationCredentialOf(identity, origin),
    };
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) return undefined;
    throw error;
  }
}

export async function projectFor(
  { projects, domains }: Identity,
  { id, name, domainId }: ProjectRequest,
): Promise<FeedProject | undefined> {
  const project =
    typeof id === 'string'
      ? (await projects.find(id))?.value
      : await projects.findByName(String(domainId), String(name));
  const domain = project === undefined ? undefined : (await domains.find(project.domain_id))?.value;
  if (project === undefined || domain === undefined) return undefined;
  return {
    id: project.id,
    name: project.name,
    domain: { id: domain.id, name: domain.name },
    enabled: project.enabled && domain.enabled,
  };
}
