/** How somebody gets a token, what it says, and how it ends. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { signToken } from '../protocol/token-format.ts';
import { ADMIN_PASSWORD, at, inProject, ServedIdentity, textAt } from './served-identity.fixture.ts';

let served: ServedIdentity;
let admin: string;

before(async () => {
  served = await ServedIdentity.start();
  admin = await served.admin();
});
after(() => served.close());

async function makeUser(name: string, password = 'a long password'): Promise<string> {
  const { body, status } = await served.ask('POST', '/users', admin, { user: { name, password } });
  assert.equal(status, 201, JSON.stringify(body));
  return textAt(body, 'user.id');
}

async function give(userId: string, role: string, project: string): Promise<void> {
  const projectId = textAt(
    (await served.ask('GET', `/projects?name=${project}`, admin)).body,
    'projects.0.id',
  );
  const roleId = textAt((await served.ask('GET', `/roles?name=${role}`, admin)).body, 'roles.0.id');
  const { status } = await served.ask('PUT', `/projects/${projectId}/users/${userId}/roles/${roleId}`, admin);
  assert.equal(status, 204);
}

describe('a token', () => {
  test('for a project says who, where, which roles, until when, and where the services are', async () => {
    const { status, body, headers } = await served.tryLogin('admin', ADMIN_PASSWORD, inProject('demo'));
    assert.equal(status, 201);
    assert.equal(at(body, 'token.user.name'), 'admin');
    assert.equal(at(body, 'token.project.name'), 'demo');
    const roles = (at(body, 'token.roles') as { name: string }[]).map(({ name }) => name);
    assert.deepEqual(roles, ['admin', 'manager', 'member', 'reader']);
    assert.match(String(at(body, 'token.expires_at')), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const catalog = at(body, 'token.catalog') as { type: string; endpoints: { url: string }[] }[];
    const store = catalog.find(({ type }) => type === 'object-store');
    assert.equal(
      store?.endpoints[0]?.url,
      `http://127.0.0.1:8080/v1/AUTH_${textAt(body, 'token.project.id')}`,
    );
    assert.match(String(headers['x-openstack-request-id']), /^req-[0-9a-f-]{36}$/);
    assert.ok(String(headers['x-subject-token']).length < 1000);
  });

  test('for the system, for a domain and for nothing', async () => {
    const system = await served.tryLogin('admin', ADMIN_PASSWORD, { system: { all: true } });
    assert.deepEqual(at(system.body, 'token.system'), { all: true });
    const domain = await served.tryLogin('admin', ADMIN_PASSWORD, { domain: { name: 'Default' } });
    assert.deepEqual(at(domain.body, 'token.domain'), { id: 'default', name: 'Default' });
    const nothing = await served.tryLogin('admin', ADMIN_PASSWORD, 'unscoped');
    assert.equal(at(nothing.body, 'token.catalog'), undefined);
    assert.equal(at(nothing.body, 'token.roles'), undefined);
  });

  test('is not given for a wrong password, an unknown user or a project where one has no role, all in one sentence', async () => {
    await makeUser('stranger');
    const refusals = [
      await served.tryLogin('admin', 'wrong', inProject('demo')),
      await served.tryLogin('nobody', ADMIN_PASSWORD),
      await served.tryLogin('stranger', 'a long password', inProject('demo')),
      await served.tryLogin('admin', ADMIN_PASSWORD, inProject('none such')),
    ];
    for (const { status, body, headers } of refusals) {
      assert.equal(status, 401);
      assert.deepEqual(body, {
        error: {
          code: 401,
          message: 'The request you have made requires authentication.',
          title: 'Unauthorized',
        },
      });
      assert.match(String(headers['www-authenticate']), /^Keystone uri="http:/);
    }
  });

  test('is validated by an administrator and by its bearer, and by nobody else', async () => {
    const userId = await makeUser('ann');
    await give(userId, 'member', 'demo');
    const ann = await served.login('ann', 'a long password', inProject('demo'));
    const check = (bearer: string, subject: string) =>
      served.ask('GET', '/auth/tokens', bearer, undefined, { 'x-subject-token': subject });
    const own = await check(ann, ann);
    assert.equal(own.status, 200);
    assert.equal(at(own.body, 'token.user.name'), 'ann');
    assert.equal((await check(admin, ann)).status, 200);
    assert.equal((await check(ann, admin)).status, 403);
    const forged = ann.slice(0, -10) + (ann.at(-10) === 'A' ? 'B' : 'A') + ann.slice(-9);
    assert.equal((await check(admin, forged)).status, 404);
    assert.equal((await check('nonsense', ann)).status, 401);
    const head = await served.ask('HEAD', '/auth/tokens', admin, undefined, { 'x-subject-token': ann });
    assert.equal(head.status, 200);
  });

  test('that has expired is still shown for a day, to who says that it asks for one', async () => {
    const { keys, verifier, clock } = served.identity;
    const { id, privateKey } = keys.current(clock.nowMs());
    const statement = verifier.verify(admin);
    const endedMsAgo = (ms: number) =>
      signToken({ ...statement, expiresMs: clock.nowMs() - ms }, id, privateKey);
    const shown = async (token: string, query: string) =>
      (await served.ask('GET', `/auth/tokens${query}`, admin, undefined, { 'x-subject-token': token }))
        .status;
    const late = endedMsAgo(60_000);
    assert.equal(await shown(late, ''), 404);
    assert.equal(await shown(late, '?allow_expired=0'), 404);
    assert.equal(await shown(late, '?allow_expired=1'), 200);
    assert.equal(await shown(endedMsAgo(86_400_000), '?allow_expired=1'), 404);
    assert.equal((await served.ask('GET', '/projects', late)).status, 401);
  });

  test('makes another for another project that does not outlive it, and keeps the chain', async () => {
    const first = await served.tryLogin('admin', ADMIN_PASSWORD, inProject('admin'));
    const id = String(first.headers['x-subject-token']);
    const second = await served.ask('POST', '/auth/tokens', undefined, {
      auth: { identity: { methods: ['token'], token: { id } }, scope: inProject('demo') },
    });
    assert.equal(second.status, 201);
    assert.equal(at(second.body, 'token.expires_at'), at(first.body, 'token.expires_at'));
    assert.equal(at(second.body, 'token.audit_ids.1'), at(first.body, 'token.audit_ids.0'));
    assert.deepEqual(at(second.body, 'token.methods'), ['password', 'token']);
  });

  test('ends when it is revoked, when its user loses the role, is disabled, renamed, gets a new password, or is gone', async () => {
    const isGood = async (token: string) =>
      (await served.ask('GET', '/auth/tokens', admin, undefined, { 'x-subject-token': token })).status ===
      200;
    const userId = await makeUser('bob');
    await give(userId, 'member', 'demo');
    let password = 'a long password';
    let name = 'bob';
    const ends = async (what: string, end: () => Promise<{ status: number }>) => {
      const token = await served.login(name, password, inProject('demo'));
      assert.ok(await isGood(token), `good before: ${what}`);
      const { status } = await end();
      assert.ok(status < 300, `${what}: ${status}`);
      assert.equal(await isGood(token), false, what);
    };
    const patch = (user: object) => served.ask('PATCH', `/users/${userId}`, admin, { user });
    await ends('a new password', async () => {
      password = 'another password';
      return await patch({ password });
    });
    await ends('a new name', async () => {
      name = 'robert';
      return await patch({ name });
    });
    await ends('disabled', () => patch({ enabled: false }));
    assert.equal((await served.tryLogin(name, password)).status, 401);
    await patch({ enabled: true });
    await ends('its own password', async () => {
      const original_password = password;
      password = 'yet another one';
      return await served.ask('POST', `/users/${userId}/password`, undefined, {
        user: { original_password, password },
      });
    });
    const token = await served.login(name, password, inProject('demo'));
    assert.equal(
      (await served.ask('DELETE', '/auth/tokens', token, undefined, { 'x-subject-token': token })).status,
      204,
    );
    assert.equal(await isGood(token), false);
    await ends('the user is gone', () => served.ask('DELETE', `/users/${userId}`, admin));
  });

  test('has no more to say after its project, its role or its group is gone', async () => {
    const made = await served.ask('POST', '/projects', admin, { project: { name: 'short lived' } });
    const projectId = textAt(made.body, 'project.id');
    const role = await served.ask('POST', '/roles', admin, { role: { name: 'guest' } });
    const group = await served.ask('POST', '/groups', admin, { group: { name: 'guests' } });
    const [roleId, groupId] = [textAt(role.body, 'role.id'), textAt(group.body, 'group.id')];
    const userId = await makeUser('carl');
    await served.ask('PUT', `/groups/${groupId}/users/${userId}`, admin);
    await served.ask('PUT', `/projects/${projectId}/groups/${groupId}/roles/${roleId}`, admin);
    const login = () => served.login('carl', 'a long password', inProject('short lived'));
    const token = await login();
    assert.equal(at((await served.ask('GET', '/auth/projects', token)).body, 'projects.length'), 1);
    assert.equal((await served.ask('DELETE', `/groups/${groupId}/users/${userId}`, admin)).status, 204);
    assert.equal((await served.ask('GET', '/auth/projects', token)).status, 401);
    await served.ask('PUT', `/groups/${groupId}/users/${userId}`, admin);
    const again = await login();
    assert.equal((await served.ask('DELETE', `/roles/${roleId}`, admin)).status, 204);
    assert.equal((await served.ask('GET', '/auth/projects', again)).status, 401);
    assert.equal((await served.ask('DELETE', `/projects/${projectId}`, admin)).status, 204);
    assert.equal((await served.ask('GET', `/projects/${projectId}`, admin)).status, 404);
  });
});
