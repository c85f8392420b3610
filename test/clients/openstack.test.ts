/** The openstack program and python-keystoneclient against identity, as admin.env and clouds.yaml set them up. */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningCluster } from './running-cluster.ts';

type Row = Readonly<Record<string, unknown>>;

describe('openstack', () => {
  let cluster: RunningCluster;
  let admin: NodeJS.ProcessEnv;
  const PASSWORD = 'a password of ann';

  before(async () => {
    cluster = await RunningCluster.start(14_240);
    admin = cluster.env;
  });
  after(() => cluster[Symbol.asyncDispose]());

  const openstack = async (...args: string[]) => (await cluster.run('openstack', args)).stdout;
  const one = async (...args: string[]) => JSON.parse(await openstack(...args, '-f', 'json')) as Row;
  const many = async (...args: string[]) => JSON.parse(await openstack(...args, '-f', 'json')) as Row[];
  const names = (rows: readonly Row[]) => rows.map((row) => String(row['Name'])).toSorted();
  const as = async <Value>(env: NodeJS.ProcessEnv, run: () => Promise<Value>): Promise<Value> => {
    cluster.env = env;
    try {
      return await run();
    } finally {
      cluster.env = admin;
    }
  };
  const ann = () => ({ ...admin, OS_USERNAME: 'ann', OS_PASSWORD: PASSWORD, OS_PROJECT_NAME: 'films' });

  test('gets a token for the admin project, whose account in the object store is the administrator’s', async () => {
    const token = await one('token', 'issue');
    assert.match(String(token['id']), /^HF[\w-]{200,}$/);
    const project = await one('project', 'show', 'admin');
    assert.equal(token['project_id'], project['id']);
    const { mode } = await stat(join(cluster.dataDirectory, 'credentials', 'clouds.yaml'));
    assert.equal(mode & 0o777, 0o600);
    const cloud = {
      ...withoutVariables(admin),
      OS_CLIENT_CONFIG_FILE: join(cluster.dataDirectory, 'credentials', 'clouds.yaml'),
    };
    const again = await as(cloud, () => one('--os-cloud', 'holdfast', 'token', 'issue'));
    assert.equal(again['project_id'], project['id']);
  });

  test('makes a project, a user and a role, and puts them together', async () => {
    await one('project', 'create', '--description', 'what we film', 'films');
    await one(
      'user',
      'create',
      '--project',
      'films',
      '--password',
      PASSWORD,
      '--email',
      'ann@films.test',
      'ann',
    );
    await one('role', 'create', 'cutter');
    await openstack('role', 'add', '--user', 'ann', '--project', 'films', 'member');
    await openstack('role', 'add', '--user', 'ann', '--project', 'films', 'cutter');
    assert.equal((await one('user', 'show', 'ann'))['email'], 'ann@films.test');
    const assignments = await many('role', 'assignment', 'list', '--user', 'ann', '--names');
    assert.deepEqual(new Set(assignments.map(({ Role }) => Role)), new Set(['cutter', 'member']));
    const effective = await many('role', 'assignment', 'list', '--user', 'ann', '--names', '--effective');
    assert.deepEqual(new Set(effective.map(({ Role }) => Role)), new Set(['cutter', 'member', 'reader']));
    await openstack('role', 'remove', '--user', 'ann', '--project', 'films', 'cutter');
    await openstack('role', 'delete', 'cutter');
  });

  test('as that user sees what is the user’s, and is refused what is not', async () => {
    await as(ann(), async () => {
      assert.ok((await one('token', 'issue'))['project_id']);
      assert.deepEqual(names(await many('project', 'list')), ['films']);
      const { code, stderr } = await cluster.attempt('openstack', ['user', 'create', 'mallory']);
      assert.notEqual(code, 0);
      assert.match(stderr, /not authorized to perform the requested action: identity:create_user/);
      await openstack(
        'user',
        'password',
        'set',
        '--original-password',
        PASSWORD,
        '--password',
        `${PASSWORD}!`,
      );
    });
    const { code, stderr } = await as(ann(), () => cluster.attempt('openstack', ['token', 'issue']));
    assert.notEqual(code, 0);
    assert.match(stderr, /requires authentication.*HTTP 401/);
    await openstack('user', 'set', '--password', PASSWORD, 'ann');
  });

  test('makes EC2 keys, several of them, and takes one away', async () => {
    await as(ann(), async () => {
      const first = await one('ec2', 'credentials', 'create');
      const second = await one('ec2', 'credentials', 'create');
      assert.notEqual(first['access'], second['access']);
      assert.equal(String(first['secret']).length, 32);
      await openstack('ec2', 'credentials', 'delete', String(first['access']));
      assert.deepEqual(
        (await many('ec2', 'credentials', 'list')).map(({ Access }) => Access),
        [second['access']],
      );
    });
  });

  test('makes an application credential, and gets a token with it', async () => {
    const made = await as(ann(), () =>
      one('application', 'credential', 'create', 'robot', '--role', 'reader'),
    );
    const robot = {
      ...withoutVariables(admin),
      OS_AUTH_URL: admin['OS_AUTH_URL'],
      OS_AUTH_TYPE: 'v3applicationcredential',
      OS_APPLICATION_CREDENTIAL_ID: String(made['id']),
      OS_APPLICATION_CREDENTIAL_SECRET: String(made['secret']),
    };
    await as(robot, async () => {
      assert.ok((await one('token', 'issue'))['project_id']);
      assert.notEqual(
        (await cluster.attempt('openstack', ['application', 'credential', 'create', 'other'])).code,
        0,
      );
    });
    await as(ann(), () => openstack('application', 'credential', 'delete', 'robot'));
    assert.notEqual((await as(robot, () => cluster.attempt('openstack', ['token', 'issue']))).code, 0);
  });

  test('reads the catalogue, and changes it', async () => {
    const catalog = await many('catalog', 'list');
    assert.deepEqual(names(catalog), ['keystone', 'swift']);
    const service = await one('service', 'create', '--name', 'painter', 'painting');
    await one('region', 'create', 'north');
    const endpoint = await one(
      'endpoint',
      'create',
      '--region',
      'north',
      'painter',
      'public',
      'http://north.test/v1',
    );
    assert.equal(endpoint['service_id'], service['id']);
    assert.ok(names(await many('catalog', 'list')).includes('painter'));
    await openstack('service', 'delete', 'painter');
    await openstack('region', 'delete', 'north');
    assert.ok(!names(await many('catalog', 'list')).includes('painter'));
  });

  test('makes a domain with groups, whose roles reach the projects below', async () => {
    await one('domain', 'create', 'lab');
    await one('project', 'create', '--domain', 'lab', 'bench');
    await one('project', 'create', '--domain', 'lab', '--parent', 'bench', 'drawer');
    await one('group', 'create', '--domain', 'lab', 'staff');
    await one('user', 'create', '--domain', 'lab', '--password', PASSWORD, 'bea');
    await openstack('group', 'add', 'user', '--group-domain', 'lab', '--user-domain', 'lab', 'staff', 'bea');
    const grant = [
      '--group',
      'staff',
      '--group-domain',
      'lab',
      '--project',
      'bench',
      '--project-domain',
      'lab',
    ];
    await openstack('role', 'add', ...grant, '--inherited', 'reader');
    const bea = {
      ...admin,
      OS_USERNAME: 'bea',
      OS_PASSWORD: PASSWORD,
      OS_USER_DOMAIN_NAME: 'lab',
      OS_PROJECT_DOMAIN_NAME: 'lab',
    };
    await as({ ...bea, OS_PROJECT_NAME: 'drawer' }, () => one('token', 'issue'));
    const above = await as({ ...bea, OS_PROJECT_NAME: 'bench' }, () =>
      cluster.attempt('openstack', ['token', 'issue']),
    );
    assert.notEqual(above.code, 0);
    await openstack('domain', 'set', '--disable', 'lab');
    await openstack('domain', 'delete', 'lab');
    assert.deepEqual(names(await many('domain', 'list')), ['Default']);
  });

  test('python-keystoneclient validates and revokes a token', async () => {
    const { stdout } = await cluster.run('/usr/bin/python3', ['-'], KEYSTONECLIENT);
    assert.deepEqual(stdout.trim().split('\n'), ['admin', 'revoked']);
  });

  test('finds everything again after identity was killed', async () => {
    await cluster.kill('control-1');
    // The connection waits in the supervisor's socket until the process is back.
    assert.deepEqual(names(await many('project', 'list')), ['admin', 'demo', 'films']);
    for (let tries = 0; tries < 50; tries += 1) {
      if ((await cluster.processes()).some(({ name, pid }) => name === 'control-1' && pid > 0)) return;
      await sleep(100);
    }
    assert.fail('identity is not told of as a process');
  });
});

function withoutVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OS_')));
}

const KEYSTONECLIENT = `
import os, time
from keystoneauth1 import loading, session, exceptions
from keystoneclient.v3 import client
names = ['auth_url', 'username', 'password', 'project_name', 'user_domain_name', 'project_domain_name']
options = {name: os.environ['OS_' + name.upper()] for name in names}
def login():
    return session.Session(auth=loading.get_plugin_loader('v3password').load_from_options(**options))
mine, other = login(), login()
keystone = client.Client(session=mine)
token = other.get_token()
print(keystone.tokens.validate(token).username)
keystone.tokens.revoke_token(token)
try:
    keystone.tokens.validate(token)
except exceptions.NotFound:
    print('revoked')
`;
