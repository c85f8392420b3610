/** Every route of the API, asked with every role and with the token of another project. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { FailureLimit } from '../api/failure-limit.ts';
import type { Call, Route } from '../api/route.ts';
import { identityRoutes } from '../identity/api/identity-routes.ts';
import { at, ServedIdentity, textAt } from '../identity/served-identity.fixture.ts';
import { mayDo, type Operation, policy } from './policy.ts';
import { policedApis } from './policed-apis.ts';
import { policyPage } from './policy-page.ts';

const routes = identityRoutes(new FailureLimit(1, () => 0));
const policed = routes.filter(({ operation }) => operation !== 'public');
const PASSWORD = 'a long password';

/** What whoever has a token at all may ask for. */
const OPEN: readonly string[] = [
  'identity:get_auth_catalog',
  'identity:get_auth_projects',
  'identity:get_auth_domains',
  'identity:get_auth_system',
  'identity:list_roles',
  'identity:get_role',
  'identity:list_regions',
  'identity:get_region',
];

describe('the policy', () => {
  /** Its operations are replaced by an answer, so that the walk changes nothing. */
  let served: ServedIdentity;
  /** The same store, with its operations. */
  let real: ServedIdentity;
  let admin: string;
  const ids: Record<string, string> = {};
  const tokens = new Map<string, string>();

  before(async () => {
    real = await ServedIdentity.start();
    served = await real.serveBeside((all) =>
      all.map((route) => ({ ...route, handle: () => ({ status: 204 }) })),
    );
    admin = await real.admin();
    await furnish();
  });
  after(async () => {
    await served.close();
    await real.close();
  });

  async function made(kind: string, attributes: object): Promise<string> {
    const { body, status } = await real.ask('POST', `/${kind}s`, admin, { [kind]: attributes });
    assert.equal(status, 201, JSON.stringify(body));
    return textAt(body, `${kind}.id`);
  }

  async function furnish(): Promise<void> {
    const lab = await made('domain', { name: 'lab' });
    const other = await made('domain', { name: 'other' });
    ids['domain_id'] = lab;
    ids['project_id'] = await made('project', { name: 'bench', domain_id: lab });
    const foreignProject = await made('project', { name: 'elsewhere', domain_id: other });
    ids['user_id'] = await made('user', { name: 'subject', domain_id: lab, password: PASSWORD });
    ids['group_id'] = await made('group', { name: 'staff', domain_id: lab });
    for (const { id, name } of at((await real.ask('GET', '/roles', admin)).body, 'roles') as {
      id: string;
      name: string;
    }[])
      ids[name] = id;
    Object.assign(ids, {
      role_id: ids['member'],
      prior_role_id: ids['manager'],
      implied_role_id: ids['reader'],
    });
    Object.assign(ids, {
      credential_id: 'none',
      access: 'none',
      rule_id: 'none',
      tag: 'red',
      region_id: 'here',
    });
    Object.assign(ids, { service_id: 'none', endpoint_id: 'none' });
    const project = (id: string) => ({ path: `/projects/${id}`, scope: { project: { id } } });
    const domain = (id: string) => ({ path: `/domains/${id}`, scope: { domain: { id } } });
    const system = { path: '/system', scope: { system: { all: true } } };
    const places = { cloud: project(foreignProject), system, lab: domain(lab), other: domain(other) };
    await bearer('admin of the cloud', 'admin', places.cloud);
    await bearer('reader of the system', 'reader', places.system);
    await bearer('service', 'service', places.cloud);
    for (const role of ['admin', 'manager', 'reader'] as const) {
      await bearer(`${role} of the domain`, role, places.lab);
      await bearer(`${role} of another domain`, role, places.other);
    }
    for (const role of ['manager', 'member', 'reader'] as const) {
      await bearer(`${role} of the project`, role, project(ids['project_id'] ?? ''));
      await bearer(`${role} of another project`, role, places.cloud);
    }
    tokens.set('the user, unscoped', await login(ids['user_id'] ?? '', 'unscoped'));
  }

  async function bearer(
    name: string,
    role: string,
    { path, scope }: { path: string; scope: object },
  ): Promise<void> {
    const userId = await made('user', { name, password: PASSWORD });
    const { status } = await real.ask('PUT', `${path}/users/${userId}/roles/${ids[role]}`, admin);
    assert.equal(status, 204, name);
    tokens.set(name, await login(userId, scope));
  }

  async function login(id: string, scope: unknown): Promise<string> {
    const user = { id, password: PASSWORD };
    const { headers, status } = await real.ask('POST', '/auth/tokens', undefined, {
      auth: { identity: { methods: ['password'], password: { user } }, scope },
    });
    assert.equal(status, 201);
    return String(headers['x-subject-token']);
  }

  /** The route's own path and a body that its schema takes, about what is in the domain lab. */
  function requestOf({ path, body }: Route) {
    const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? 'none');
    const query = path === '/credentials' ? `?user_id=${ids['user_id']}` : listQuery(path);
    return { path: filled + query, body: body === undefined ? undefined : bodyFor(body) };
  }

  function listQuery(path: string): string {
    return ['/users', '/projects', '/groups', '/domains', '/role_assignments'].includes(path)
      ? `?domain_id=${ids['domain_id']}&scope.domain.id=${ids['domain_id']}`
      : '';
  }

  function bodyFor(schema: object): object {
    const { required = [], properties = {} } = schema as Schema;
    return Object.fromEntries(
      required.map((name) => [name, name === 'tags' ? ['red'] : valueFor(name, properties[name])]),
    );
  }

  function valueFor(name: string, schema: object | undefined): unknown {
    const { type, enum: choices } = Object(schema) as Schema;
    if (choices !== undefined) return choices[0];
    if (name === 'url') return 'http://here.test';
    if (name === 'blob') return '{"access": "some key", "secret": "some secret"}';
    if (type === 'object')
      return { ...bodyFor(schema ?? {}), domain_id: ids['domain_id'], user_id: ids['user_id'] };
    return 'something';
  }

  const ask = async (route: Route, token: string | undefined) => {
    const { path, body } = requestOf(route);
    const headers = path === '/auth/tokens' ? { 'x-subject-token': tokens.get('the user, unscoped') } : {};
    const { status } = await served.ask(route.method, path, token, body, headers);
    return status;
  };

  test('lets nobody without a token do anything but log in', async () => {
    for (const route of policed)
      assert.equal(await ask(route, undefined), 401, `${route.method} ${route.path}`);
    const open = routes.filter(({ operation }) => operation === 'public');
    assert.deepEqual(
      open.map(({ method, path }) => `${method} ${path}`),
      ['POST /auth/tokens', 'POST /users/:user_id/password'],
    );
  });

  test('lets a member of another project, and an admin of another domain, do nothing here', async () => {
    for (const name of ['member of another project', 'manager of another project', 'admin of another domain'])
      for (const route of policed) {
        const expected = OPEN.includes(route.operation) ? 204 : 403;
        assert.equal(await ask(route, tokens.get(name)), expected, `${name}: ${route.method} ${route.path}`);
      }
  });

  test('lets a reader change nothing', async () => {
    for (const [name, token] of tokens) {
      if (!name.startsWith('reader')) continue;
      for (const route of policed)
        if (route.method !== 'GET')
          assert.equal(await ask(route, token), 403, `${name}: ${route.method} ${route.path}`);
    }
  });

  test('lets an administrator of the cloud do everything but speak for a user', async () => {
    for (const route of policed) {
      const expected = route.operation === 'identity:create_application_credential' ? 403 : 204;
      assert.equal(
        await ask(route, tokens.get('admin of the cloud')),
        expected,
        `${route.method} ${route.path}`,
      );
    }
  });

  test('is asked by every route, for every role, about what the route is about', async () => {
    for (const [name, token] of tokens) {
      const statement = served.identity.verifier.verify(token);
      for (const route of policed) {
        const { path, body } = requestOf(route);
        const [, search = ''] = path.split('?');
        const call: Call = {
          params: ids,
          query: Object.fromEntries(new URLSearchParams(search)),
          body,
          headers: { 'x-subject-token': tokens.get('the user, unscoped') },
          remote: '',
          bearer: statement,
          base: '',
        };
        const target = (await route.target?.(served.identity, call)) ?? {};
        const expected = mayDo(route.operation as Operation, statement, target) ? 204 : 403;
        assert.equal(await ask(route, token), expected, `${name}: ${route.method} ${route.path}`);
      }
    }
  });

  test('lets a manager of a domain give member, and not admin', async () => {
    const manager = tokens.get('manager of the domain');
    const path = (role: string) =>
      `/projects/${ids['project_id']}/users/${ids['user_id']}/roles/${ids[role]}`;
    assert.equal((await real.ask('PUT', path('member'), manager)).status, 204);
    assert.equal((await real.ask('PUT', path('admin'), manager)).status, 403);
    assert.equal((await real.ask('PUT', path('service'), manager)).status, 403);
    assert.equal((await real.ask('PUT', path('admin'), tokens.get('admin of the domain'))).status, 403);
  });

  test('has a line for each operation of a route, and a route for each line', () => {
    assert.deepEqual(
      new Set(policed.map(({ operation }) => operation)),
      new Set(Object.keys(policy).filter((operation) => operation.startsWith('identity:'))),
    );
  });

  test('is what docs/policy.md says', () => {
    const page = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8');
    assert.equal(
      page,
      policyPage(policedApis()),
      'run `node control/policy/write-page.ts` and commit the page',
    );
  });
});

interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, object>>;
}
