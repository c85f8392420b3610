/** Nobody becomes somebody else by what they may do: not through a domain, a program's credential, or a list. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ADMIN_PASSWORD, at, inProject, ServedIdentity, textAt } from './served-identity.fixture.ts';

const PASSWORD = 'a long password';

let served: ServedIdentity;
let admin: string;

before(async () => {
  served = await ServedIdentity.start({ failuresAtOnceMax: 1000 });
  admin = await served.admin();
});
after(() => served.close());

const statusOf = async (method: string, path: string, token: string, body?: unknown) =>
  (await served.ask(method, path, token, body)).status;

async function idOf(plural: string, name: string): Promise<string> {
  return textAt((await served.ask('GET', `/${plural}?name=${name}`, admin)).body, `${plural}.0.id`);
}

async function makeUser(name: string): Promise<string> {
  const made = await served.ask('POST', '/users', admin, { user: { name, password: PASSWORD } });
  return textAt(made.body, 'user.id');
}

async function give(place: string, userId: string, role: string): Promise<void> {
  const path = `${place}/users/${userId}/roles/${await idOf('roles', role)}`;
  assert.equal(await statusOf('PUT', path, admin), 204);
}

describe('an authority of a domain', () => {
  let manager: string;
  let adminId: string;

  before(async () => {
    adminId = await idOf('users', 'admin');
    await give('/domains/default', await makeUser('manager'), 'manager');
    manager = await served.login('manager', PASSWORD, { domain: { id: 'default' } });
  });

  test('does not tend who has more than it may give', async () => {
    const change = { user: { password: 'chosen by the manager' } };
    assert.equal(await statusOf('PATCH', `/users/${adminId}`, manager, change), 403);
    assert.equal(await statusOf('DELETE', `/users/${adminId}`, manager), 403);
    assert.equal((await served.tryLogin('admin', ADMIN_PASSWORD)).status, 201);
    // Nor through a group.
    const group = await served.ask('POST', '/groups', admin, { group: { name: 'chiefs' } });
    const groupId = textAt(group.body, 'group.id');
    const role = await idOf('roles', 'service');
    const project = await idOf('projects', 'demo');
    await served.ask('PUT', `/projects/${project}/groups/${groupId}/roles/${role}`, admin);
    const own = await idOf('users', 'manager');
    assert.equal(await statusOf('PUT', `/groups/${groupId}/users/${own}`, manager), 403);
    assert.equal(await statusOf('DELETE', `/groups/${groupId}`, manager), 403);
    const member = await makeUser('member of chiefs');
    assert.equal(await statusOf('PUT', `/groups/${groupId}/users/${member}`, admin), 204);
    assert.equal(await statusOf('PATCH', `/users/${member}`, manager, change), 403);
  });

  test('tends all others, and itself', async () => {
    const userId = await makeUser('plain');
    await give(`/projects/${await idOf('projects', 'demo')}`, userId, 'member');
    const change = { user: { password: 'chosen by the manager' } };
    assert.equal(await statusOf('PATCH', `/users/${userId}`, manager, change), 200);
    const group = await served.ask('POST', '/groups', manager, { group: { name: 'staff' } });
    const path = `/groups/${textAt(group.body, 'group.id')}/users/${userId}`;
    assert.equal(await statusOf('PUT', path, manager), 204);
    assert.equal(await statusOf('DELETE', path, manager), 204);
    assert.equal(await statusOf('DELETE', `/users/${userId}`, manager), 204);
  });

  test('is shown the roles in its domain alone', async () => {
    const query = '?scope.domain.id=default&scope.system=&domain_id=all&include_names=1';
    assert.equal(await statusOf('GET', `/role_assignments${query}`, manager), 400);
    const all = await served.ask('GET', '/role_assignments?domain_id=all&scope.domain.id=default', manager);
    const found = at(all.body, 'role_assignments') as { scope: object }[];
    assert.ok(found.every(({ scope }) => !('system' in scope)));
  });
});

describe('a program with an application credential', () => {
  let userId: string;
  let projects: { demo: string; other: string };
  let full: { access: string; secret: string };

  const ec2 = () => `/users/${userId}/credentials/OS-EC2`;
  const loginWith = async (more: object) => {
    const token = await served.login('ann', PASSWORD, inProject('demo'));
    const wanted = { name: `of ${JSON.stringify(more)}`, roles: [{ name: 'reader' }], ...more };
    const path = `/users/${userId}/application_credentials`;
    const made = await served.ask('POST', path, token, { application_credential: wanted });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const [id, secret] = ['id', 'secret'].map((name) => textAt(made.body, `application_credential.${name}`));
    const identity = { methods: ['application_credential'], application_credential: { id, secret } };
    const reply = await served.ask('POST', '/auth/tokens', undefined, { auth: { identity } });
    return { id, token: String(reply.headers['x-subject-token']) };
  };

  before(async () => {
    userId = await makeUser('ann');
    const other = await served.ask('POST', '/projects', admin, { project: { name: 'other' } });
    projects = { demo: await idOf('projects', 'demo'), other: textAt(other.body, 'project.id') };
    for (const id of Object.values(projects)) await give(`/projects/${id}`, userId, 'member');
    const token = await served.login('ann', PASSWORD, inProject('demo'));
    const { body } = await served.ask('POST', ec2(), token, { tenant_id: projects.other });
    full = { access: textAt(body, 'credential.access'), secret: textAt(body, 'credential.secret') };
  });

  test('makes keys that hang on its credential, for its project alone', async () => {
    const { id, token } = await loginWith({ unrestricted: true });
    assert.equal(await statusOf('POST', ec2(), token, { tenant_id: projects.other }), 403);
    const blob = JSON.stringify({ access: 'an access key', secret: 'a secret key' });
    const wanted = { type: 'ec2', blob, project_id: projects.other };
    assert.equal(await statusOf('POST', '/credentials', token, { credential: wanted }), 403);
    const made = await served.ask('POST', ec2(), token, { tenant_id: projects.demo });
    assert.equal(made.status, 201);
    const record = (await served.identity.credentials.listOf(userId)).find(
      ({ access }) => access === textAt(made.body, 'credential.access'),
    );
    assert.equal(record?.app_cred_id, id);
    // Of the user's other keys it neither sees nor changes any.
    const listed = await served.ask('GET', ec2(), token);
    assert.equal((at(listed.body, 'credentials') as object[]).length, 1);
    assert.equal(await statusOf('GET', `${ec2()}/${full.access}`, token), 404);
    const known = (await served.identity.credentials.listOf(userId)).find(
      ({ access }) => access === full.access,
    );
    const change = { credential: { blob: JSON.stringify({ access: full.access, secret: 'known secret' }) } };
    assert.equal(await statusOf('PATCH', `/credentials/${known?.id}`, token, change), 404);
    assert.equal(await statusOf('DELETE', `/credentials/${known?.id}`, token), 404);
  });

  test('sees no keys at all when it is restricted', async () => {
    const { token } = await loginWith({});
    for (const path of [ec2(), `${ec2()}/${full.access}`, '/credentials'])
      assert.equal(await statusOf('GET', path, token), 403, path);
  });

  test('nor does who reads the whole system see secrets', async () => {
    await give('/system', await makeUser('auditor'), 'reader');
    const auditor = await served.login('auditor', PASSWORD, { system: { all: true } });
    for (const path of [ec2(), '/credentials', `${ec2()}/${full.access}`]) {
      const { status, body } = await served.ask('GET', path, auditor);
      assert.equal(status, 200);
      assert.ok(JSON.stringify(body).includes(full.access));
      assert.ok(!JSON.stringify(body).includes(full.secret), path);
    }
  });

  test('fills no store', async () => {
    const token = await served.login('ann', PASSWORD, inProject('demo'));
    let status = 201;
    for (let count = 0; count < 200 && status === 201; count += 1)
      status = await statusOf('POST', '/credentials', token, { credential: { type: 't', blob: 'x' } });
    assert.equal(status, 409);
  });
});

test('a project’s relatives are shown to who may see them', async () => {
  const make = async (project: object) =>
    textAt((await served.ask('POST', '/projects', admin, { project })).body, 'project.id');
  const above = await make({ name: 'above' });
  const between = await make({ name: 'between', parent_id: above });
  await make({ name: 'below', parent_id: between });
  const userId = await makeUser('bea');
  await give(`/projects/${between}`, userId, 'reader');
  const bea = await served.login('bea', PASSWORD, inProject('between'));
  const relatives = async (token: string) => {
    const { body } = await served.ask('GET', `/projects/${between}?parents_as_list`, token);
    const below = await served.ask('GET', `/projects/${between}?subtree_as_list`, token);
    return [at(body, 'project.parents'), at(below.body, 'project.subtree')].flat().length;
  };
  assert.equal(await relatives(bea), 0);
  assert.equal(await relatives(admin), 2);
  await give(`/projects/${above}`, userId, 'reader');
  assert.equal(await relatives(bea), 1);
});

test('names that are no text, and comparisons that there are not, are no failures of ours', async () => {
  const user = { name: '\ud800', domain: { id: 'default' }, password: 'x' };
  const identity = { methods: ['password'], password: { user } };
  assert.equal((await served.ask('POST', '/auth/tokens', undefined, { auth: { identity } })).status, 401);
  for (const name of ['hasOwnProperty', 'valueOf', '__proto__'])
    assert.equal(await statusOf('GET', `/roles?name__${name}=x`, admin), 200, name);
});
