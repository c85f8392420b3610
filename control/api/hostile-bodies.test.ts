/** What clients may send, by mistake or not: an answer in Keystone's form, each time. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { at, type Reply, ServedIdentity, textAt } from '../identity/served-identity.fixture.ts';
import { memoryStore } from '../store/memory-store.ts';

describe('the API', () => {
  let served: ServedIdentity;
  let admin: string;
  before(async () => {
    served = await ServedIdentity.start({ failuresAtOnceMax: 10_000 });
    admin = await served.admin();
  });
  after(() => served.close());

  function assertRefused({ status, body, headers }: Reply, expected: number): void {
    assert.equal(status, expected, JSON.stringify(body));
    assert.equal(at(body, 'error.code'), expected);
    assert.equal(typeof at(body, 'error.message'), 'string');
    assert.equal(typeof at(body, 'error.title'), 'string');
    assert.match(String(headers['x-openstack-request-id']), /^req-/);
  }

  test('refuses what is not JSON, nests too deep, or is too long', async () => {
    for (const body of ['{', 'null x', '{"auth":', '[]', '"text"', 'null'])
      assertRefused(await served.ask('POST', '/auth/tokens', undefined, body), 400);
    assertRefused(await served.ask('POST', '/auth/tokens', undefined, '['.repeat(40)), 400);
    assertRefused(await served.ask('POST', '/auth/tokens', undefined, '{"a":'.repeat(100_00)), 400);
    const long = JSON.stringify({ user: { name: 'x', extra: 'x'.repeat(300_000) } });
    assertRefused(await served.ask('POST', '/users', admin, long), 413);
    const large = { user: { name: 'x', extra: 'x'.repeat(100_000) } };
    assertRefused(await served.ask('POST', '/users', admin, large), 400);
  });

  test('refuses attributes that cannot be', async () => {
    for (const user of [
      {},
      { name: '' },
      { name: '  ' },
      { name: 5 },
      { name: 'x'.repeat(256) },
      { name: '\ud800' },
      { name: 'a', enabled: 'yes' },
      { name: 'a', password: 'short' },
      { name: 'a', domain_id: 5 },
      { name: 'a', options: { unknown: true } },
    ])
      assertRefused(await served.ask('POST', '/users', admin, { user }), 400);
    assertRefused(await served.ask('POST', '/users', admin, { user: { name: 'a', domain_id: 'none' } }), 404);
    assertRefused(
      await served.ask('POST', '/projects', admin, { project: { name: 'x', parent_id: 'none' } }),
      404,
    );
    assertRefused(
      await served.ask('POST', '/projects', admin, { project: { name: 'x', is_domain: true } }),
      400,
    );
    const url = 'http://x.test/%(password)s';
    const service = await served.ask('POST', '/services', admin, { service: { type: 'x' } });
    const endpoint = { service_id: textAt(service.body, 'service.id'), interface: 'public', url };
    assertRefused(await served.ask('POST', '/endpoints', admin, { endpoint }), 400);
  });

  test('lets no attribute change what an object is', async () => {
    const body =
      '{"user": {"name": "proto", "__proto__": {"enabled": false}, "constructor": {"x": 1}, "links": "mine"}}';
    const made = await served.ask('POST', '/users', admin, body);
    assert.equal(made.status, 201);
    assert.equal(at(made.body, 'user.enabled'), true);
    assert.match(textAt(made.body, 'user.links.self'), /^http:\/\/cloud\.test:5000\/v3\/users\//);
    const id = textAt(made.body, 'user.id');
    assertRefused(await served.ask('PATCH', `/users/${id}`, admin, { user: { id: 'other' } }), 400);
    assertRefused(await served.ask('PATCH', `/users/${id}`, admin, { user: { domain_id: 'other' } }), 400);
  });

  test('takes names of all kinds, and keeps them apart', async () => {
    for (const name of ['ä/ö', 'a b', '..', '%2F', '🙂', 'ü'.repeat(64)]) {
      const made = await served.ask('POST', '/projects', admin, { project: { name } });
      assert.equal(made.status, 201, name);
      const found = await served.ask('GET', `/projects?name=${encodeURIComponent(name)}`, admin);
      assert.deepEqual([at(found.body, 'projects.length'), at(found.body, 'projects.0.name')], [1, name]);
      assertRefused(await served.ask('POST', '/projects', admin, { project: { name } }), 409);
    }
  });

  test('answers what there is not, and what it does not do', async () => {
    assertRefused(await served.ask('GET', '/nothing', admin), 404);
    assertRefused(await served.ask('GET', `/users/${'x'.repeat(400)}`, admin), 404);
    assertRefused(await served.ask('GET', '/users/%E0%A4%A', admin), 400);
    assertRefused(await served.ask('GET', '/users?limit=-1', admin), 400);
    assertRefused(await served.ask('GET', '/auth/tokens', admin), 400);
    const limited = await served.ask('GET', '/roles?limit=2', admin);
    assert.deepEqual([at(limited.body, 'roles.length'), at(limited.body, 'truncated')], [2, true]);
  });

  test('tells its versions, with links that lead back', async () => {
    const root = await served.ask('GET', '//identity');
    assert.equal(root.status, 300);
    assert.equal(at(root.body, 'versions.values.0.links.0.href'), 'http://cloud.test:5000/identity/v3/');
    for (const path of ['//identity/v3', '//identity/v3/', '//v3'])
      assert.equal(at((await served.ask('GET', path)).body, 'version.id'), 'v3.14', path);
    assert.equal((await served.ask('GET', '//v2.0')).status, 404);
    const strange = await served.ask('GET', '//v3', undefined, undefined, { host: 'evil"><x' });
    assert.equal(at(strange.body, 'version.links.0.href'), 'http://localhost/v3/');
  });
});

test('a control store that is full says so, and takes what frees it', async () => {
  const clock = realClock();
  const store = memoryStore({ clock, randomness: realRandomness(), bytesMax: 200_000 });
  const served = await ServedIdentity.start({}, undefined, { clock, store });
  try {
    const admin = await served.admin();
    const made: string[] = [];
    let last: Reply;
    for (let count = 0; ; count += 1) {
      const user = { name: `u${count}`, description: 'x'.repeat(2000) };
      last = await served.ask('POST', '/users', admin, { user });
      if (last.status !== 201) break;
      made.push(textAt(last.body, 'user.id'));
    }
    assert.deepEqual([last.status, at(last.body, 'error.title')], [507, 'Insufficient Storage']);
    const [first] = made;
    assert.equal((await served.ask('DELETE', `/users/${first}`, admin)).status, 204);
  } finally {
    await served.close();
  }
});
