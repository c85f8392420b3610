/** What a token is to be good for, and with which roles. */
import type { Named, TokenScope } from '../../protocol/token-statement.ts';
import { hasSystemRole, rolesOfUserOn } from '../access/effective-roles.ts';
import { badRequest, unauthorized } from '../api-error.ts';
import type { Identity } from '../identity.ts';
import { SYSTEM } from '../records/grants.ts';
import type {
  ApplicationCredentialRecord,
  CredentialRecord,
  ProjectRecord,
  UserRecord,
} from '../records/records.ts';
import { findDomain, findReferred } from './references.ts';
import type { AuthRequest } from './requests.ts';

export interface Granted {
  readonly scope: TokenScope;
  readonly roles: readonly Named[];
}

const UNSCOPED: Granted = { scope: { kind: 'unscoped' }, roles: [] };

/** Throws 401 when there is no such place or the user has no role there. */
export async function grantScope(
  identity: Identity,
  user: UserRecord,
  wanted: AuthRequest['scope'],
): Promise<Granted> {
  if (wanted === 'unscoped') return UNSCOPED;
  if (wanted === undefined) return await defaultScope(identity, user);
  if (Object.keys(wanted).length !== 1)
    throw badRequest('auth.scope names one of project, domain and system.');
  if (wanted.system !== undefined) {
    if (!(await hasSystemRole(identity, user.id))) throw unauthorized();
    return granted({ kind: 'system' }, await rolesOfUserOn(identity, user.id, SYSTEM));
  }
  if (wanted.domain !== undefined) {
    const domain = await findDomain(identity, wanted.domain);
    if (domain === undefined || !domain.enabled) throw unauthorized();
    const roles = await rolesOfUserOn(identity, user.id, { kind: 'domain', id: domain.id });
    return granted({ kind: 'domain', domain: named(domain) }, roles);
  }
  const project = await findReferred(identity, identity.projects, wanted.project ?? {});
  if (project === undefined) throw unauthorized();
  return await grantProject(identity, user, project);
}

export async function grantProject(
  identity: Identity,
  user: UserRecord,
  project: ProjectRecord,
): Promise<Granted> {
  const scope = await projectScope(identity, project);
  return granted(scope, await rolesOfUserOn(identity, user.id, { kind: 'project', project }));
}

/** The project and the roles that the credential was made for, as far as its user still has them. */
export async function grantApplicationCredential(
  identity: Identity,
  user: UserRecord,
  credential: ApplicationCredentialRecord,
): Promise<Granted> {
  const project = await identity.projects.find(credential.project_id);
  if (project === undefined) throw unauthorized();
  const { scope, roles } = await grantProject(identity, user, project.value);
  const kept = roles.filter(({ id }) => credential.role_ids.includes(id));
  return granted(scope, kept);
}

/** What an EC2 credential is good for. Throws 401 when that is nothing (any more). */
export async function grantOf(identity: Identity, credential: CredentialRecord): Promise<Granted> {
  const { user_id, project_id, app_cred_id } = credential;
  const user = (await identity.users.find(user_id))?.value;
  const project = project_id === null ? undefined : (await identity.projects.find(project_id))?.value;
  if (user === undefined || project === undefined) throw unauthorized();
  if (app_cred_id === undefined) return await grantProject(identity, user, project);
  const origin = (await identity.applicationCredentials.find(app_cred_id))?.value;
  if (origin === undefined || origin.project_id !== project.id) throw unauthorized();
  if (Date.parse(origin.expires_at ?? '') <= identity.clock.nowMs()) throw unauthorized();
  return await grantApplicationCredential(identity, user, origin);
}

/** The user's default project when it can be used, nothing otherwise. */
async function defaultScope(identity: Identity, user: UserRecord): Promise<Granted> {
  if (typeof user.default_project_id !== 'string') return UNSCOPED;
  const project = await identity.projects.find(user.default_project_id);
  if (project === undefined) return UNSCOPED;
  try {
    return await grantProject(identity, user, project.value);
  } catch {
    return UNSCOPED;
  }
}

async function projectScope({ domains }: Identity, project: ProjectRecord): Promise<TokenScope> {
  const domain = await domains.find(project.domain_id);
  if (!project.enabled || domain === undefined || !domain.value.enabled) throw unauthorized();
  return { kind: 'project', project: { ...named(project), domain: named(domain.value) } };
}

function granted(scope: TokenScope, roles: readonly Named[]): Granted {
  if (roles.length === 0) throw unauthorized();
  return { scope, roles: roles.map(named).toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
}

function named({ id, name }: Named): Named {
  return { id, name };
}
