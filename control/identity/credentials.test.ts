/** What stands for a user without a password: EC2 keys, application credentials, other secrets. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { at, inProject, ServedIdentity, textAt } from './served-identity.fixture.ts';

const PASSWORD = 'a long password';

let served: ServedIdentity;
let admin: string;
let ann: string;
let annId: string;
let demo: string;

before(async () => {
  served = await ServedIdentity.start({ failuresAtOnceMax: 1000 });
  admin = await served.admin();
  annId = textAt(
    (await served.ask('POST', '/users', admin, { user: { name: 'ann', password: PASSWORD } })).body,
    'user.id',
  );
  demo = textAt((await served.ask('GET', '/projects?name=demo', admin)).body, 'projects.0.id');
  await give('member');
  ann = await served.login('ann', PASSWORD, inProject('demo'));
});
after(() => served.close());

async function give(role: string, method = 'PUT'): Promise<void> {
  const roleId = textAt((await served.ask('GET', `/roles?name=${role}`, admin)).body, 'roles.0.id');
  assert.equal(
    (await served.ask(method, `/projects/${demo}/users/${annId}/roles/${roleId}`, admin)).status,
    204,
  );
}

describe('EC2 keys', () => {
  const path = () => `/users/${annId}/credentials/OS-EC2`;
  const make = async () => {
    const { body, status } = await served.ask('POST', path(), ann, { tenant_id: demo });
    assert.equal(status, 201);
    return { access: textAt(body, 'credential.access'), secret: textAt(body, 'credential.secret') };
  };
  const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest();

  function s3Request({ access, secret }: { access: string; secret: string }) {
    const scope = '20261121/us-east-1/s3/aws4_request';
    const text = [
      'AWS4-HMAC-SHA256',
      '20261121T000000Z',
      scope,
      createHash('sha256').update('x').digest('hex'),
    ].join('\n');
    const key = scope.split('/').reduce<Buffer | string>((key, part) => hmac(key, part), `AWS4${secret}`);
    return {
      access,
      signature: hmac(key, text).toString('hex'),
      token: Buffer.from(text).toString('base64'),
    };
  }

  function ec2Request(
    { access, secret }: { access: string; secret: string },
    timestamp = new Date().toISOString(),
  ) {
    const params = {
      Action: 'DescribeInstances',
      AWSAccessKeyId: access,
      SignatureMethod: 'HmacSHA256',
      SignatureVersion: '2',
      Timestamp: timestamp,
      'Filter.1': 'a b*',
    };
    const names = Object.keys(params).toSorted((a, b) => (a < b ? -1 : 1));
    const encoded = (text: string) => encodeURIComponent(text).replaceAll('*', '%2A');
    const query = names
      .map((name) => `${encoded(name)}=${encoded(params[name as keyof typeof params])}`)
      .join('&');
    const signature = createHmac('sha256', secret)
      .update(`GET\ncloud.test\n/services\n${query}`)
      .digest('base64');
    return { access, signature, host: 'cloud.test:8773', verb: 'GET', path: '/services', params };
  }

  test('are several a user, listed with their secrets to their owner alone, and sealed in the store', async () => {
    const [one, two] = [await make(), await make()];
    const { body } = await served.ask('GET', path(), ann);
    const listed = (at(body, 'credentials') as { access: string; secret: string }[]).map(
      ({ access }) => access,
    );
    assert.ok(listed.includes(one.access) && listed.includes(two.access));
    const { entries } = await served.identity.store.range({ from: '!', to: '\x7f' });
    assert.ok(entries.every(({ value }) => !value.includes(one.secret)));
    assert.equal((await served.ask('GET', `${path()}/${one.access}`, ann)).status, 200);
    assert.equal((await served.ask('DELETE', `${path()}/${one.access}`, ann)).status, 204);
    assert.equal((await served.ask('GET', `${path()}/${one.access}`, ann)).status, 404);
    const other = await served.ask(
      'GET',
      `/users/${textAt((await served.ask('GET', '/users?name=admin', admin)).body, 'users.0.id')}/credentials/OS-EC2`,
      ann,
    );
    assert.equal(other.status, 403);
  });

  test('sign a string for S3, and give a service a token of their owner', async () => {
    const keys = await make();
    const ask = (credentials: object, token: string | undefined = admin) =>
      served.ask('POST', '/s3tokens', token, { credentials });
    const { status, body } = await ask(s3Request(keys));
    assert.equal(status, 200);
    assert.equal(at(body, 'token.user.name'), 'ann');
    assert.equal(at(body, 'token.project.id'), demo);
    assert.deepEqual(at(body, 'token.methods'), ['ec2credential']);
    assert.equal((await ask(s3Request({ ...keys, secret: 'another' }))).status, 401);
    assert.equal((await ask(s3Request({ ...keys, access: 'unknown' }))).status, 401);
    // Who could ask this without being a service would make tokens out of presigned URLs.
    assert.equal((await ask(s3Request(keys), ann)).status, 403);
    assert.equal((await ask({ access: keys.access })).status, 400);
  });

  test('sign a request of the query API, now', async () => {
    const keys = await make();
    const ask = (ec2Credentials: object) => served.ask('POST', '/ec2tokens', admin, { ec2Credentials });
    const { status, body, headers } = await ask(ec2Request(keys));
    assert.equal(status, 200, JSON.stringify(body));
    const token = String(headers['x-subject-token']);
    assert.equal((await served.ask('GET', '/auth/projects', token)).status, 200);
    assert.equal(
      (await served.ask('POST', path(), token, { tenant_id: demo })).status,
      403,
      'makes no more keys',
    );
    assert.equal((await ask(ec2Request(keys, '2020-01-01T00:00:00Z'))).status, 401);
    assert.equal((await ask({ ...ec2Request(keys), verb: 'POST' })).status, 401);
  });

  test('are no good when their owner has no role left, and gone with the owner', async () => {
    const keys = await make();
    await give('member', 'DELETE');
    assert.equal(
      (await served.ask('POST', '/s3tokens', admin, { credentials: s3Request(keys) })).status,
      401,
    );
    await give('member');
    ann = await served.login('ann', PASSWORD, inProject('demo'));
    assert.equal(
      (await served.ask('POST', '/s3tokens', admin, { credentials: s3Request(keys) })).status,
      200,
    );
  });

  test('may be chosen, once, through /v3/credentials', async () => {
    const credential = {
      type: 'ec2',
      project_id: demo,
      blob: JSON.stringify({ access: 'CHOSENKEY', secret: 'chosen secret'.replace(' ', '-') }),
    };
    const made = await served.ask('POST', '/credentials', ann, { credential });
    assert.equal(made.status, 201);
    assert.equal(at(made.body, 'credential.id'), createHash('sha256').update('CHOSENKEY').digest('hex'));
    assert.equal((await served.ask('POST', '/credentials', ann, { credential })).status, 409);
    const otp = { type: 'totp', blob: 'GEZDGNBVGY3TQOJQ' };
    const other = await served.ask('POST', '/credentials', ann, { credential: otp });
    const shown = await served.ask('GET', `/credentials/${textAt(other.body, 'credential.id')}`, ann);
    assert.equal(at(shown.body, 'credential.blob'), otp.blob);
    const all = await served.ask('GET', '/credentials?type=totp', ann);
    assert.equal(at(all.body, 'credentials.length'), 1);
  });
});

describe('an application credential', () => {
  const path = () => `/users/${annId}/application_credentials`;
  const make = async (more: object = {}, token = ann) =>
    await served.ask('POST', path(), token, {
      application_credential: { name: `robot ${Math.random()}`, ...more },
    });
  const login = (id: string, secret: string, scope?: object) =>
    served.ask('POST', '/auth/tokens', undefined, {
      auth: {
        identity: { methods: ['application_credential'], application_credential: { id, secret } },
        ...(scope === undefined ? {} : { scope }),
      },
    });
  const tokenOf = async (made: { body: unknown }) => {
    const { body, headers, status } = await login(
      textAt(made.body, 'application_credential.id'),
      textAt(made.body, 'application_credential.secret'),
    );
    assert.equal(status, 201, JSON.stringify(body));
    return { token: String(headers['x-subject-token']), body };
  };

  test('has its project and some of its user’s roles, and shows its secret once', async () => {
    const made = await make({ roles: [{ name: 'reader' }] });
    assert.equal(made.status, 201);
    const id = textAt(made.body, 'application_credential.id');
    const shown = await served.ask('GET', `${path()}/${id}`, ann);
    assert.equal(at(shown.body, 'application_credential.secret'), undefined);
    assert.equal(at(shown.body, 'application_credential.secret_hash'), undefined);
    const { body } = await tokenOf(made);
    assert.deepEqual(
      (at(body, 'token.roles') as { name: string }[]).map(({ name }) => name),
      ['reader'],
    );
    assert.equal(at(body, 'token.project.id'), demo);
    assert.equal((await make({ roles: [{ name: 'admin' }] })).status, 400);
    assert.equal((await login(id, 'a wrong secret')).status, 401);
    assert.equal(
      (await login(id, textAt(made.body, 'application_credential.secret'), inProject('demo'))).status,
      400,
    );
  });

  test('makes nothing more when it is restricted, and ends with its deletion', async () => {
    const made = await make();
    const { token } = await tokenOf(made);
    assert.equal((await make({}, token)).status, 403);
    const rescoped = await served.ask('POST', '/auth/tokens', undefined, {
      auth: { identity: { methods: ['token'], token: { id: token } }, scope: inProject('demo') },
    });
    assert.equal(rescoped.status, 401);
    const id = textAt(made.body, 'application_credential.id');
    assert.equal((await served.ask('DELETE', `${path()}/${id}`, ann)).status, 204);
    assert.equal((await served.ask('GET', '/auth/projects', token)).status, 401);
    const free = await tokenOf(await make({ unrestricted: true }));
    assert.equal((await make({}, free.token)).status, 201);
  });

  test('with access rules is good for those requests only', async () => {
    const access_rules = [
      { service: 'identity', method: 'GET', path: '/v3/auth/projects' },
      { service: 'object-store', method: 'GET', path: '/v1/{account}/films/**' },
    ];
    const made = await make({ access_rules });
    const { token, body } = await tokenOf(made);
    assert.equal(at(body, 'token.application_credential.access_rules.length'), 2);
    assert.equal((await served.ask('GET', '/auth/projects', token)).status, 200);
    assert.equal((await served.ask('GET', '/auth/catalog', token)).status, 403);
    const rules = await served.ask('GET', `/users/${annId}/access_rules`, ann);
    assert.equal(at(rules.body, 'access_rules.length'), 2);
    const ruleId = textAt(rules.body, 'access_rules.0.id');
    assert.equal(
      (await served.ask('DELETE', `/users/${annId}/access_rules/${ruleId}`, ann)).status,
      403,
      'in use',
    );
    const twice = { service: 'identity', method: 'GET', path: '/**/a/**' };
    assert.equal((await make({ access_rules: [twice] })).status, 400);
  });

  test('ends at its time, and no token of it lives longer', async () => {
    const expires = new Date(Date.now() + 60_000).toISOString();
    const { body } = await tokenOf(await make({ expires_at: expires }));
    assert.equal(Date.parse(textAt(body, 'token.expires_at')), Date.parse(expires));
    assert.equal((await make({ expires_at: '2020-01-01T00:00:00' })).status, 400);
    assert.equal((await make({ expires_at: 'tomorrow' })).status, 400);
  });
});
