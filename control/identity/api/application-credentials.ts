/** `/v3/users/{id}/application_credentials` and `access_rules`: what a program logs in with, for a part of what its user may. */
import { bearerOf, type Call, param, type Route } from '../../api/route.ts';
import { badRequest, conflict, forbidden, notFound } from '../api-error.ts';
import { projectIdOf } from '../../protocol/token-statement.ts';
import type { Identity } from '../identity.ts';
import { newId } from '../new-id.ts';
import type { AccessRuleRecord, ApplicationCredentialRecord } from '../records/records.ts';
import { limits } from '../settings.ts';
import { revoke } from '../tokens/revoke.ts';
import { attribute, attributesOf, bodyOf, checkedName, many, one } from './resource.ts';
import { userTarget } from './users.ts';

const path = '/users/:user_id/application_credentials';
const rulesPath = '/users/:user_id/access_rules';
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

const ruleSchema = {
  type: 'object',
  properties: {
    id: attribute.id,
    service: { type: 'string', minLength: 1, maxLength: 64 },
    method: { enum: METHODS },
    path: { type: 'string', minLength: 1, maxLength: 128, pattern: '^/[!-~]*$' },
  },
};
const attributes = {
  name: attribute.name,
  description: attribute.textOrNull,
  secret: { type: 'string', minLength: 1, maxLength: 255 },
  expires_at: { type: ['string', 'null'] },
  unrestricted: attribute.flag,
  roles: {
    type: 'array',
    maxItems: limits.rolesOfTokenMax,
    items: { type: 'object', properties: { id: attribute.id, name: attribute.name } },
  },
  access_rules: { type: 'array', maxItems: limits.accessRulesMax, items: ruleSchema },
};

export const applicationCredentialRoutes: readonly Route[] = [
  {
    method: 'GET',
    path,
    operation: 'identity:list_application_credentials',
    target: userTarget,
    async handle(identity, call) {
      const { id } = await identity.users.get(param(call, 'user_id'));
      const found = await identity.applicationCredentials.listOf(id);
      const shown = await Promise.all(found.map((each) => presented(identity, each)));
      return many(call, `users/${id}/application_credentials`, shown, ['name']);
    },
  },
  {
    method: 'POST',
    path,
    operation: 'identity:create_application_credential',
    isDelegable: false,
    body: bodyOf('application_credential', attributes, ['name']),
    target: userTarget,
    handle: create,
  },
  {
    method: 'GET',
    path: `${path}/:credential_id`,
    operation: 'identity:get_application_credential',
    target: userTarget,
    async handle(identity, call) {
      const record = await owned(identity, call);
      const plural = `users/${record.user_id}/application_credentials`;
      return one(call, plural, 'application_credential', await presented(identity, record));
    },
  },
  {
    method: 'DELETE',
    path: `${path}/:credential_id`,
    operation: 'identity:delete_application_credential',
    isDelegable: false,
    target: userTarget,
    async handle(identity, call) {
      const { id } = await owned(identity, call);
      await identity.applicationCredentials.remove(id, () => ({
        then: [revoke(identity, { applicationCredentialId: id })],
      }));
      return { status: 204 };
    },
  },
];

export const accessRuleRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: rulesPath,
    operation: 'identity:list_access_rules',
    target: userTarget,
    async handle({ users, accessRules }, call) {
      const { id } = await users.get(param(call, 'user_id'));
      const found = (await accessRules.listOf(id)).map(shownRule);
      return many(call, `users/${id}/access_rules`, found, ['service', 'method', 'path']);
    },
  },
  {
    method: 'GET',
    path: `${rulesPath}/:rule_id`,
    operation: 'identity:get_access_rule',
    target: userTarget,
    async handle(identity, call) {
      const found = await ownedRule(identity, call);
      return one(call, `users/${found.user_id}/access_rules`, 'access_rule', shownRule(found));
    },
  },
  {
    method: 'DELETE',
    path: `${rulesPath}/:rule_id`,
    operation: 'identity:delete_access_rule',
    isDelegable: false,
    target: userTarget,
    async handle(identity, call) {
      const { id, user_id } = await ownedRule(identity, call);
      const users = await identity.applicationCredentials.listOf(user_id);
      if (users.some(({ access_rule_ids }) => access_rule_ids?.includes(id)))
        throw forbidden('An application credential uses this access rule.');
      await identity.accessRules.remove(id);
      return { status: 204 };
    },
  },
];

/** The roles are those of the token that asks, or fewer: nobody gives more than they have. */
async function create(identity: Identity, call: Call) {
  const bearer = bearerOf(call);
  const given = attributesOf(call, 'application_credential');
  const projectId = projectIdOf(bearer);
  if (projectId === undefined)
    throw badRequest('An application credential is made with a token for a project.');
  const userId = bearer.user.id;
  const known = await identity.applicationCredentials.listOf(userId);
  if (known.length >= limits.applicationCredentialsMax)
    throw conflict(`A user has at most ${limits.applicationCredentialsMax} application credentials.`);
  const secret = typeof given['secret'] === 'string' ? given['secret'] : newSecret(identity);
  const record: ApplicationCredentialRecord = {
    id: newId(identity.randomness),
    user_id: userId,
    name: checkedName(given['name']),
    description: typeof given['description'] === 'string' ? given['description'] : '',
    project_id: projectId,
    role_ids: wantedRoles(bearer.roles, given['roles']),
    unrestricted: given['unrestricted'] === true,
    expires_at: checkedExpiry(given['expires_at'], identity.clock.nowMs()),
    access_rule_ids: await ruleIds(identity, userId, given['access_rules']),
    secret_hash: await identity.hasher.hash(secret),
  };
  const compare = [identity.users.exists(userId), identity.projects.exists(projectId)];
  await identity.applicationCredentials.insert(record, { compare });
  const shown = { ...(await presented(identity, record)), secret };
  return one(call, `users/${userId}/application_credentials`, 'application_credential', shown, 201);
}

function newSecret({ randomness }: Identity): string {
  return randomness.bytes(48).toString('base64url');
}

function wantedRoles(own: readonly { id: string; name: string }[], wanted: unknown): string[] {
  if (!Array.isArray(wanted) || wanted.length === 0) return own.map(({ id }) => id);
  return (wanted as { id?: string; name?: string }[]).map(({ id, name }) => {
    const role = own.find((each) => each.id === id || (id === undefined && each.name === name));
    if (role === undefined)
      throw badRequest(`The user does not have the role ${id ?? name ?? ''} on the project.`);
    return role.id;
  });
}

function checkedExpiry(expiresAt: unknown, nowMs: number): string | null {
  if (typeof expiresAt !== 'string') return null;
  // A time without a zone is UTC.
  const ms = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(expiresAt) ? expiresAt : `${expiresAt}Z`);
  if (Number.isNaN(ms) || ms <= nowMs) throw badRequest('expires_at is not a time to come.');
  return new Date(ms).toISOString();
}

/** A rule that the user has already is used again. */
async function ruleIds(identity: Identity, userId: string, wanted: unknown): Promise<string[] | null> {
  if (!Array.isArray(wanted)) return null;
  const known = await identity.accessRules.listOf(userId);
  const ids: string[] = [];
  for (const rule of wanted as WantedRule[]) {
    const same = known.find((each) =>
      rule.id === undefined
        ? each.service === rule.service && each.method === rule.method && each.path === rule.path
        : each.id === rule.id,
    );
    ids.push(same?.id ?? (await newRule(identity, userId, rule)));
  }
  return [...new Set(ids)];
}

type WantedRule = Partial<Pick<AccessRuleRecord, 'id' | 'service' | 'method' | 'path'>>;

async function newRule(
  identity: Identity,
  userId: string,
  { service, method, path: rulePath }: WantedRule,
): Promise<string> {
  if (service === undefined || method === undefined || rulePath === undefined)
    throw badRequest('An access rule names a service, a method and a path.');
  if (rulePath.split('/').filter((part) => part === '**').length > 1)
    throw badRequest('The path of an access rule holds ** once at most.');
  if (!service.isWellFormed()) throw badRequest('The service of an access rule is no text.');
  if ((await identity.accessRules.listOf(userId)).length >= limits.accessRulesOfUserMax)
    throw conflict(`A user has at most ${limits.accessRulesOfUserMax} access rules.`);
  const id = newId(identity.randomness);
  await identity.accessRules.insert({ id, user_id: userId, service, method, path: rulePath });
  return id;
}

async function presented(identity: Identity, record: ApplicationCredentialRecord) {
  const { secret_hash: _hash, role_ids, access_rule_ids, expires_at, ...rest } = record;
  const roles = await Promise.all(role_ids.map((id) => identity.roles.find(id)));
  const rules =
    access_rule_ids === null
      ? undefined
      : await Promise.all(access_rule_ids.map((id) => identity.accessRules.find(id)));
  return {
    ...rest,
    id: record.id,
    expires_at: expires_at === null ? null : `${expires_at.slice(0, -1)}000`,
    roles: roles.flatMap((each) => {
      if (each === undefined) return [];
      const { id, name, domain_id } = each.value;
      return [{ id, name, domain_id }];
    }),
    ...(rules === undefined
      ? {}
      : { access_rules: rules.flatMap((each) => (each === undefined ? [] : [shownRule(each.value)])) }),
  };
}

function shownRule({ id, service, method, path: rulePath }: AccessRuleRecord) {
  return { id, service, method, path: rulePath };
}

async function owned({ applicationCredentials }: Identity, call: Call): Promise<ApplicationCredentialRecord> {
  const id = param(call, 'credential_id');
  const found = (await applicationCredentials.find(id))?.value;
  if (found === undefined || found.user_id !== param(call, 'user_id'))
    throw notFound('application credential', id);
  return found;
}

async function ownedRule({ accessRules }: Identity, call: Call): Promise<AccessRuleRecord> {
  const id = param(call, 'rule_id');
  const found = (await accessRules.find(id))?.value;
  if (found === undefined || found.user_id !== param(call, 'user_id')) throw notFound('access rule', id);
  return found;
}
