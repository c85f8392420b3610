/** What a first start makes, and what every later one leaves as it is. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ensureFirstStart, type FirstStart } from './first-start.ts';
import { ADMIN_PASSWORD, at, inProject, ServedIdentity, textAt } from './served-identity.fixture.ts';

const wanted: FirstStart = {
  adminPassword: 'another administrator',
  region: 'here',
  services: [{ type: 'identity', name: 'keystone', url: 'http://127.0.0.1:6000/identity' }],
};

describe('a start', () => {
  let served: ServedIdentity;
  before(async () => {
    served = await ServedIdentity.start();
  });
  after(() => served.close());

  test('again changes nothing but the addresses in the catalogue', async () => {
    const all = async () => {
      const { entries } = await served.identity.store.range({ from: 'identity/', to: 'identity0' });
      return new Map(entries.map(({ key, value }) => [key, value.toString()]));
    };
    const first = await all();
    await ensureFirstStart(served.identity, wanted);
    const second = await all();
    const changed = [...second].filter(([key, value]) => first.get(key) !== value).map(([key]) => key);
    assert.equal(second.size, first.size);
    assert.ok(
      changed.length === 3 && changed.every((key) => key.startsWith('identity/endpoint/')),
      changed.join(),
    );
    assert.equal(
      (await served.tryLogin('admin', ADMIN_PASSWORD)).status,
      201,
      'with the password of the first',
    );
  });

  test('makes an administrator that tends every account of the object store, from the admin project', async () => {
    const rolesIn = async (project: string) => {
      const { body } = await served.tryLogin('admin', ADMIN_PASSWORD, inProject(project));
      return (at(body, 'token.roles') as { name: string }[]).map(({ name }) => name);
    };
    assert.ok((await rolesIn('admin')).includes('ResellerAdmin'));
    assert.ok(!(await rolesIn('demo')).includes('ResellerAdmin'));
  });

  test('leaves alone what an administrator has taken away', async () => {
    const admin = await served.admin();
    const roles = at((await served.ask('GET', '/roles', admin)).body, 'roles') as {
      id: string;
      name: string;
    }[];
    const idOf = (name: string) => roles.find((role) => role.name === name)?.id ?? '';
    const path = `/roles/${idOf('member')}/implies/${idOf('reader')}`;
    assert.equal((await served.ask('DELETE', path, admin)).status, 204);
    await ensureFirstStart(served.identity, wanted);
    const again = await served.admin();
    assert.equal((await served.ask('GET', path, again)).status, 404);
    const demo = await served.ask('GET', '/projects?name=demo', again);
    assert.equal(textAt(demo.body, 'projects.length'), '1');
  });
});
