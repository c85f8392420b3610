import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryCluster } from '#cluster/memory-cluster.ts';
import { at, ServedIdentity, textAt } from '../identity/served-identity.fixture.ts';
import { QuotaBook } from './quota-book.ts';
import { QuotaLedger } from './quota-ledger.ts';
import { quotaRoutes } from './quota-routes.ts';
import { unifiedLimitRoutes } from './unified-limits.ts';

test('Keystone’s unified limits show what was set as quotas', async () => {
  const cluster = memoryCluster({ nowMs: () => Date.now() });
  const served = await ServedIdentity.start({}, ({ store }) => {
    const quotas = { book: new QuotaBook(store, cluster), ledger: new QuotaLedger(store) };
    return [...quotaRoutes(() => quotas), ...unifiedLimitRoutes(() => quotas)];
  });
  try {
    const admin = await served.admin();
    const project = textAt((await served.ask('GET', '/projects?name=demo', admin)).body, 'projects.0.id');
    await served.ask('PUT', `//v1/quotas/${project}`, admin, { quotas: { objects: 7, cores: -1 } });
    const { body } = await served.ask('GET', `//v1/limits?project_id=${project}`, admin);
    const limits = at(body, 'limits') as { resource_name: string; resource_limit: number }[];
    assert.deepEqual(
      limits.map((limit) => [limit.resource_name, limit.resource_limit]),
      [
        ['objects', 7],
        ['cores', -1],
      ],
    );
    const registered = await served.ask('GET', '//v1/registered_limits?resource_name=objects', admin);
    assert.equal(at(registered.body, 'registered_limits.0.default_limit'), -1);
    const services = await served.ask('GET', '/services?type=object-store', admin);
    assert.equal(at(registered.body, 'registered_limits.0.service_id'), at(services.body, 'services.0.id'));
    const id = textAt(registered.body, 'registered_limits.0.id');
    assert.equal((await served.ask('GET', `//v1/registered_limits/${id}`, admin)).status, 200);
    assert.equal((await served.ask('GET', '//v1/registered_limits/none', admin)).status, 404);
    assert.equal(at((await served.ask('GET', '//v1/limits/model', admin)).body, 'model.name'), 'flat');
    assert.equal((await served.ask('GET', '//v1/limits')).status, 401);
  } finally {
    await served.close();
  }
});
