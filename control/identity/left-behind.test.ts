import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removeLeftBehind } from './left-behind.ts';
import { prefixed } from '../store/key-range.ts';
import { DEFAULT_DOMAIN } from './first-start.ts';
import { at, inProject, ServedIdentity, textAt } from './served-identity.fixture.ts';
import { REVOCATIONS } from './tokens/revocation-key.ts';

test('what a removal that was cut off has left is gone after the next start, and nothing else', async () => {
  const served = await ServedIdentity.start();
  const { identity } = served;
  const admin = await served.admin();
  const userId = textAt((await served.ask('GET', '/users', admin)).body, 'users.0.id');
  const made = async (project: string) => {
    const id = textAt((await served.ask('GET', `/projects?name=${project}`, admin)).body, 'projects.0.id');
    const key = await served.ask('POST', `/users/${userId}/credentials/OS-EC2`, admin, { tenant_id: id });
    assert.equal(key.status, 201);
    const token = await served.login('admin', 'the administrator', inProject(project));
    const credential = { application_credential: { name: project } };
    const path = `/users/${userId}/application_credentials`;
    assert.equal((await served.ask('POST', path, token, credential)).status, 201);
    return id;
  };
  const kept = await made('admin');
  const gone = await made('demo');
  // The first transaction of a removal, and no more.
  await identity.projects.remove(gone);
  await removeLeftBehind(identity);
  const grants = (await identity.grants.all()).map(({ target }) => target.id);
  // Two roles on the admin project.
  assert.deepEqual(grants.toSorted(), [kept, kept, DEFAULT_DOMAIN, 'all'].toSorted());
  const keys = await identity.credentials.list();
  assert.deepEqual(
    keys.map(({ project_id }) => project_id),
    [kept],
  );
  const credentials = await identity.applicationCredentials.listOf(userId);
  assert.deepEqual(
    credentials.map(({ project_id }) => project_id),
    [kept],
  );
  await served.close();
});

test('what a group gave ends with it in one transaction, and with a membership too', async () => {
  const served = await ServedIdentity.start();
  const { identity } = served;
  const admin = await served.admin();
  const group = await served.ask('POST', '/groups', admin, { group: { name: 'group' } });
  const user = await served.ask('POST', '/users', admin, { user: { name: 'user', password: 'a password' } });
  const [groupId, userId] = [textAt(group.body, 'group.id'), textAt(user.body, 'user.id')];
  const membership = `/groups/${groupId}/users/${userId}`;
  const changes = async (method: string, path: string) => {
    const { revision } = await identity.store.range(prefixed('identity/'), { limit: 1 });
    assert.equal((await served.ask(method, path, admin)).status, 204);
    const { entries } = await identity.store.range(prefixed(REVOCATIONS));
    const revoked = entries.filter(({ createRevision }) => createRevision === revision + 1);
    return revoked.length;
  };
  await served.ask('PUT', membership, admin);
  assert.equal(await changes('DELETE', membership), 1);
  assert.equal((await served.ask('DELETE', membership, admin)).status, 404);
  await served.ask('PUT', membership, admin);
  assert.equal(await changes('DELETE', `/groups/${groupId}`), 1);
  assert.notEqual(at((await served.ask('GET', `/users/${userId}`, admin)).body, 'user.id'), undefined);
  await served.close();
});
