/**
 * What there is before anybody has made anything: the roles and what they imply, the default domain, the projects admin and
 * demo, the administrator, and the catalogue. Done at every start; what is there already stays as it is, but for the
 * addresses in the catalogue, which are the configuration's.
 */
import { createHash } from 'node:crypto';
import { hasCode } from '#common/errors.ts';
import { ApiError } from './api-error.ts';
import type { Identity } from './identity.ts';
import { newId } from './new-id.ts';
import type { Collection } from './records/collection.ts';
import { type GrantTarget, SYSTEM } from './records/grants.ts';
import type { ProjectRecord, RoleRecord, UserRecord } from './records/records.ts';

export interface ServiceWish {
  readonly type: string;
  readonly name: string;
  /** May hold `%(project_id)s`. */
  readonly url: string;
}

export interface FirstStart {
  readonly adminPassword: string;
  /** The admin project's; one of the object store's accounts may have it already. */
  readonly adminProjectId?: string | undefined;
  readonly region: string;
  readonly services: readonly ServiceWish[];
}

export const DEFAULT_DOMAIN = 'default';
/** Each implies the next (Keystone's bootstrap). */
const LADDER = ['admin', 'manager', 'member', 'reader'];
/** Tends every account of the object store (Swift's `reseller_admin_role`); nothing implies it. */
const RESELLER_ADMIN = 'ResellerAdmin';
const ROLES = [...LADDER, 'service', RESELLER_ADMIN];

export async function ensureFirstStart(identity: Identity, wanted: FirstStart): Promise<void> {
  const { domains, implied, roles } = identity;
  await ensure(domains, {
    id: DEFAULT_DOMAIN,
    name: 'Default',
    description: 'The default domain',
    enabled: true,
  });
  const ids = new Map<string, string>();
  for (const name of ROLES) ids.set(name, (await ensureRole(identity, name)).id);
  for (const [at, name] of LADDER.entries()) {
    const [prior, next] = [ids.get(name) ?? '', ids.get(LADDER[at + 1] ?? '')];
    // Only with a new admin role: an operator may have taken an implication away.
    if (next !== undefined && !(await implied.has(prior, next)) && (await isFresh(identity)))
      await implied.add(prior, next, [roles.exists(prior), roles.exists(next)]);
  }
  const admin = await ensureProject(
    identity,
    'admin',
    'Where the cloud is administered',
    wanted.adminProjectId,
  );
  await ensureProject(identity, 'demo', 'To try things out', undefined);
  const [adminRole = '', reseller = ''] = [ids.get('admin'), ids.get(RESELLER_ADMIN)];
  if (await isFresh(identity))
    await makeAdmin(identity, wanted.adminPassword, admin, { adminRole, reseller });
  await ensureCatalogue(identity, wanted);
}

/** Until there is an administrator; a start that was cut off goes on here. */
async function isFresh({ users }: Identity): Promise<boolean> {
  return (await users.findByName(DEFAULT_DOMAIN, 'admin')) === undefined;
}

/** With all that is given to it, in one transaction: a start that is cut off leaves no grants of nobody. */
async function makeAdmin(
  identity: Identity,
  password: string,
  project: ProjectRecord,
  roles: { readonly adminRole: string; readonly reseller: string },
): Promise<void> {
  const { grants, users, passwords, randomness, projects } = identity;
  const user: UserRecord = {
    id: newId(randomness),
    name: 'admin',
    domain_id: DEFAULT_DOMAIN,
    enabled: true,
    default_project_id: project.id,
    options: {},
  };
  const actor = { kind: 'user', id: user.id } as const;
  const demo = await projects.findByName(DEFAULT_DOMAIN, 'demo');
  const targets: readonly GrantTarget[] = [
    ...[project.id, ...(demo === undefined ? [] : [demo.id])].map((id) => ({ kind: 'project', id }) as const),
    { kind: 'domain', id: DEFAULT_DOMAIN },
    SYSTEM,
  ];
  const grantOf = (target: GrantTarget, roleId: string) =>
    grants.put({ actor, target, roleId, isInherited: false });
  const given = [
    ...targets.map((target) => grantOf(target, roles.adminRole)),
    grantOf({ kind: 'project', id: project.id }, roles.reseller),
  ];
  const secret = await passwords.operationsToSet(user.id, password);
  await insertOrLeave(users.insert(user, { then: [...secret, ...given] }));
}

async function ensureRole({ roles, randomness }: Identity, name: string): Promise<RoleRecord> {
  const known = await roles.findByName('all domains', name);
  if (known !== undefined) return known;
  const role: RoleRecord = { id: newId(randomness), name, domain_id: null, description: null, options: {} };
  await insertOrLeave(roles.insert(role));
  return (await roles.findByName('all domains', name)) ?? role;
}

async function ensureProject(
  { projects, randomness }: Identity,
  name: string,
  description: string,
  id: string | undefined,
): Promise<ProjectRecord> {
  const known = await projects.findByName(DEFAULT_DOMAIN, name);
  if (known !== undefined) return known;
  const project: ProjectRecord = {
    id: id ?? newId(randomness),
    name,
    domain_id: DEFAULT_DOMAIN,
    parent_id: DEFAULT_DOMAIN,
    description,
    enabled: true,
    tags: [],
    options: {},
  };
  await insertOrLeave(projects.insert(project));
  return (await projects.findByName(DEFAULT_DOMAIN, name)) ?? project;
}

/** Ids follow from what they stand for: several processes that start at once make the same. */
async function ensureCatalogue(
  { regions, services, endpoints }: Identity,
  wanted: FirstStart,
): Promise<void> {
  const { region } = wanted;
  await ensure(regions, { id: region, description: '', parent_region_id: null });
  for (const { type, name, url } of wanted.services) {
    const service_id = idFor(`service ${type} ${name}`);
    await ensure(services, { id: service_id, type, name, description: '', enabled: true });
    for (const kind of ['public', 'internal', 'admin'] as const) {
      const id = idFor(`endpoint ${type} ${name} ${region} ${kind}`);
      const endpoint = { id, service_id, region_id: region, interface: kind, url, enabled: true };
      const known = await endpoints.find(id);
      if (known === undefined) await ensure(endpoints, endpoint);
      else if (known.value.url !== url) await endpoints.update(id, (before) => ({ ...before, url }));
    }
  }
}

function idFor(what: string): string {
  return createHash('sha256').update(`holdfast ${what}`).digest('hex').slice(0, 32);
}

async function ensure<Value extends { readonly id: string }>(
  collection: Collection<Value>,
  value: Value,
): Promise<void> {
  if ((await collection.find(value.id)) === undefined) await insertOrLeave(collection.insert(value));
}

/** Another process was faster. */
async function insertOrLeave(insertion: Promise<void>): Promise<void> {
  try {
    await insertion;
  } catch (error) {
    if (!hasCode(error, 'request-refused') || !(error instanceof ApiError) || error.status !== 409)
      throw error;
  }
}
