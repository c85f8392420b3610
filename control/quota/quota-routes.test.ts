import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryCluster } from '#cluster/memory-cluster.ts';
import { spaceId } from '#common/ids.ts';
import { at, ServedIdentity, textAt } from '../identity/served-identity.fixture.ts';
import { decodeQuotas, quotaKey } from '../protocol/quota-record.ts';
import { QuotaBook } from './quota-book.ts';
import { QuotaLedger } from './quota-ledger.ts';
import { quotaRoutes } from './quota-routes.ts';

test('quotas are set by an administrator, seen by the project, and stand where they are kept to', async () => {
  const cluster = memoryCluster({ nowMs: () => Date.now() });
  const served = await ServedIdentity.start({}, ({ store }) =>
    quotaRoutes(() => ({ book: new QuotaBook(store, cluster), ledger: new QuotaLedger(store) })),
  );
  try {
    const admin = await served.admin();
    const project = textAt((await served.ask('GET', '/projects?name=demo', admin)).body, 'projects.0.id');
    const path = `//v1/quotas/${project}`;
    assert.equal((await served.ask('GET', path)).status, 401);
    const fresh = await served.ask('GET', path, admin);
    assert.deepEqual(at(fresh.body, 'quotas.volumes'), {
      limit: 10,
      is_default: true,
      service: 'volume',
      used: 0,
    });
    assert.deepEqual(at(fresh.body, 'quotas.bytes'), {
      limit: -1,
      is_default: true,
      service: 'object-store',
      used: 0,
    });
    const set = await served.ask('PUT', path, admin, { quotas: { volumes: 3, bytes: 1000, objects: 7 } });
    assert.equal(at(set.body, 'quotas.volumes.limit'), 3);
    const stored = await cluster.records.read(quotaKey(spaceId(project)));
    assert.deepEqual(decodeQuotas(stored?.content ?? Buffer.alloc(0)), { bytes: 1000, objects: 7 });
    await served.ask('PUT', path, admin, { quotas: { objects: null } });
    await served.ask('PUT', '//v1/quotas/defaults', admin, { quotas: { objects: 5, cores: 1 } });
    const after = await served.ask('GET', path, admin);
    assert.equal(at(after.body, 'quotas.objects.limit'), 5);
    assert.equal(at(after.body, 'quotas.cores.limit'), 1);
    for (const quotas of [{ volumes: -2 }, { volumes: 1.5 }, { volumes: '3' }, { unknown: 1 }])
      assert.equal((await served.ask('PUT', path, admin, { quotas })).status, 400);
    assert.equal((await served.ask('PUT', '//v1/quotas/none', admin, { quotas: {} })).status, 404);
    assert.equal((await served.ask('DELETE', path, admin)).status, 204);
    assert.equal(at((await served.ask('GET', path, admin)).body, 'quotas.volumes.limit'), 10);
  } finally {
    await served.close();
  }
});

test('a member sees its own project’s quotas, changes none, and sees no other’s', async () => {
  const cluster = memoryCluster({ nowMs: () => Date.now() });
  const served = await ServedIdentity.start({}, ({ store }) =>
    quotaRoutes(() => ({ book: new QuotaBook(store, cluster), ledger: new QuotaLedger(store) })),
  );
  try {
    const admin = await served.admin();
    const idOf = async (list: string, name: string) =>
      textAt((await served.ask('GET', `/${list}?name=${name}`, admin)).body, `${list}.0.id`);
    const [demo, other, member] = [
      await idOf('projects', 'demo'),
      await idOf('projects', 'admin'),
      await idOf('roles', 'member'),
    ];
    const user = { name: 'mia', domain_id: 'default', password: 'a long enough one' };
    const mia = textAt((await served.ask('POST', '/users', admin, { user })).body, 'user.id');
    await served.ask('PUT', `/projects/${demo}/users/${mia}/roles/${member}`, admin);
    const token = await served.login('mia', user.password, { project: { id: demo } });
    assert.equal((await served.ask('GET', `//v1/quotas/${demo}`, token)).status, 200);
    assert.equal((await served.ask('GET', `//v1/quotas/${other}`, token)).status, 403);
    assert.equal((await served.ask('GET', '//v1/quotas/defaults', token)).status, 200);
    const quotas = { quotas: { bytes: -1 } };
    assert.equal((await served.ask('PUT', `//v1/quotas/${demo}`, token, quotas)).status, 403);
    assert.equal((await served.ask('PUT', '//v1/quotas/defaults', token, quotas)).status, 403);
  } finally {
    await served.close();
  }
});
