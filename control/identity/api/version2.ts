/**
 * `/v2.0`, for clients of that age and only when configured: tokens and tenants (Identity API v2.0, 2012). A tenant is a project; users,
 * projects and tokens are those of the default domain, and the same as v3's.
 */
import type { FailureLimit } from '../../api/failure-limit.ts';
import { type Answer, bearerOf, type Call, param, type Route } from '../../api/route.ts';
import type { TokenStatement } from '../../protocol/token-statement.ts';
import type { CatalogueEntry } from '../access/catalogue.ts';
import { projectsOfUser } from '../access/effective-roles.ts';
import { badRequest, notFound, unauthorized } from '../api-error.ts';
import { authenticate } from '../auth/authenticate.ts';
import { verifiedToken } from '../auth/proof.ts';
import type { AuthRequest } from '../auth/requests.ts';
import { DEFAULT_DOMAIN } from '../first-start.ts';
import type { Identity } from '../identity.ts';
import type { ProjectRecord } from '../records/records.ts';
import { countingFailures } from './auth.ts';

const text = { type: 'string', maxLength: 8192 };
const texts = (...names: string[]) => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, text])),
});
const loginSchema = {
  type: 'object',
  required: ['auth'],
  properties: {
    auth: {
      type: 'object',
      properties: {
        passwordCredentials: texts('username', 'userId', 'password'),
        token: texts('id'),
        tenantName: text,
        tenantId: text,
      },
    },
  },
};

interface Login {
  readonly passwordCredentials?: {
    readonly username?: string;
    readonly userId?: string;
    readonly password?: string;
  };
  readonly token?: { readonly id?: string };
  readonly tenantName?: string;
  readonly tenantId?: string;
}

const domain = { id: DEFAULT_DOMAIN };

export function version2Routes(failures: FailureLimit): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/tokens',
      operation: 'public',
      body: loginSchema,
      handle: async (identity, call) =>
        await countingFailures(failures, call, async () => {
          const { auth } = call.body as { auth: Login };
          const { token, statement } = await authenticate(identity, requestOf(auth));
          return await answer(identity, token, statement);
        }),
    },
    {
      method: 'GET',
      path: '/tokens/:token',
      operation: 'identity:validate_token',
      target: (identity, call) => ({ userId: subjectOf(identity, call).user.id }),
      handle: async (identity, call) =>
        await answer(identity, param(call, 'token'), subjectOf(identity, call)),
    },
    {
      method: 'GET',
      path: '/tenants',
      operation: 'identity:get_auth_projects',
      async handle(identity, call) {
        const projects = await projectsOfUser(identity, bearerOf(call).user.id);
        const tenants = projects.filter(({ domain_id }) => domain_id === DEFAULT_DOMAIN).map(tenantOf);
        return { body: { tenants, tenants_links: [] } };
      },
    },
  ];
}

/** What v3 would have been asked. */
function requestOf({ passwordCredentials: given, token, tenantName, tenantId }: Login): AuthRequest {
  const project = tenantId === undefined ? { name: tenantName ?? '', domain } : { id: tenantId };
  const isScoped = tenantName !== undefined || tenantId !== undefined;
  const scope = isScoped ? { scope: { project } } : {};
  if (token?.id !== undefined) return { identity: { methods: ['token'], token: { id: token.id } }, ...scope };
  if (given?.password === undefined || (given.username ?? given.userId) === undefined)
    throw badRequest('auth holds passwordCredentials or a token.');
  const who = given.userId === undefined ? { name: given.username ?? '', domain } : { id: given.userId };
  return {
    identity: { methods: ['password'], password: { user: { ...who, password: given.password } } },
    ...scope,
  };
}

/** Throws 404. */
function subjectOf(identity: Identity, call: Call): TokenStatement {
  try {
    return verifiedToken(identity, param(call, 'token'));
  } catch {
    throw notFound('token', 'the one in the path');
  }
}

/** Throws 401 for a user or a scope that v2.0 has no words for. */
async function answer(identity: Identity, id: string, statement: TokenStatement): Promise<Answer> {
  const { user, scope, roles, issuedMs, expiresMs } = statement;
  if (user.domain.id !== DEFAULT_DOMAIN || scope.kind === 'domain' || scope.kind === 'system')
    throw unauthorized();
  const project = scope.kind === 'project' ? await identity.projects.get(scope.project.id) : undefined;
  const catalog = project === undefined ? [] : identity.catalogue.for(user.id, project.id).map(serviceOf);
  const second = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  return {
    body: {
      access: {
        token: {
          id,
          expires: second(expiresMs),
          issued_at: second(issuedMs),
          ...(project === undefined ? {} : { tenant: tenantOf(project) }),
          audit_ids: [statement.auditId],
        },
        serviceCatalog: catalog,
        user: {
          id: user.id,
          name: user.name,
          username: user.name,
          roles: roles.map(({ name }) => ({ name })),
          roles_links: [],
        },
        metadata: { is_admin: 0, roles: roles.map((role) => role.id) },
      },
    },
  };
}

function tenantOf({ id, name, description, enabled }: ProjectRecord) {
  return { id, name, description, enabled };
}

/** One entry a region, with its three URLs. */
function serviceOf({ type, name, endpoints }: CatalogueEntry) {
  const regions = new Set(endpoints.map(({ region }) => region));
  return {
    type,
    name,
    endpoints_links: [],
    endpoints: [...regions].map((region) => {
      const own = endpoints.filter((endpoint) => endpoint.region === region);
      const urls = own.map(({ interface: kind, url }) => [`${kind}URL`, url] as const);
      return { region, id: own[0]?.id ?? '', ...Object.fromEntries(urls) };
    }),
  };
}
