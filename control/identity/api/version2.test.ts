/** The calls of 2012, when they are configured. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ADMIN_PASSWORD, at, ServedIdentity, textAt } from '../served-identity.fixture.ts';

describe('the Identity API v2.0', () => {
  let served: ServedIdentity;
  before(async () => {
    served = await ServedIdentity.start({ version2: true });
  });
  after(() => served.close());
  const login = (auth: object) => served.ask('POST', '//v2.0/tokens', undefined, { auth });
  const passwordCredentials = { username: 'admin', password: ADMIN_PASSWORD };

  test('gives a token for a tenant, with the catalogue, which v3 takes too', async () => {
    const { status, body } = await login({ passwordCredentials, tenantName: 'demo' });
    assert.equal(status, 200);
    assert.equal(at(body, 'access.token.tenant.name'), 'demo');
    const tenantId = textAt(body, 'access.token.tenant.id');
    const services = at(body, 'access.serviceCatalog') as {
      type: string;
      endpoints: { publicURL: string }[];
    }[];
    const store = services.find(({ type }) => type === 'object-store');
    assert.equal(store?.endpoints[0]?.publicURL, `http://127.0.0.1:8080/v1/AUTH_${tenantId}`);
    const token = textAt(body, 'access.token.id');
    assert.equal((await served.ask('GET', '/auth/projects', token)).status, 200);
    const seen = await served.ask('GET', `//v2.0/tokens/${token}`, token);
    assert.equal(at(seen.body, 'access.user.name'), 'admin');
    const again = await login({ token: { id: token }, tenantName: 'admin' });
    assert.equal(at(again.body, 'access.token.tenant.name'), 'admin');
  });

  test('lists tenants, and refuses what v3 refuses', async () => {
    const { body } = await login({ passwordCredentials: { ...passwordCredentials } });
    const tenants = await served.ask('GET', '//v2.0/tenants', textAt(body, 'access.token.id'));
    assert.deepEqual(
      new Set((at(tenants.body, 'tenants') as { name: string }[]).map(({ name }) => name)),
      new Set(['admin', 'demo']),
    );
    assert.equal(
      (await login({ passwordCredentials: { username: 'admin', password: 'wrong' } })).status,
      401,
    );
    assert.equal((await login({ passwordCredentials, tenantName: 'none such' })).status, 401);
    assert.equal((await login({})).status, 400);
    assert.equal((await served.ask('GET', '//v2.0/tenants')).status, 401);
    assert.equal(at((await served.ask('GET', '//')).body, 'versions.values.1.id'), 'v2.0');
  });
});
