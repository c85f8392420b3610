/** Objects under identity: swift and openstack with OS_* variables, aws with EC2 keys, and what happens when control is away. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readClusterKey } from '#common/config/cluster-key.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { IdentityCache } from '#control/protocol/identity-cache.ts';
import { RunningCluster } from './running-cluster.ts';

const PASSWORD = 'a password of everybody';
/** What takes effect at once may take so long: the promise is a second, and other tests run beside this one. */
const SOON_MS = 60_000;

interface Keys {
  readonly access: string;
  readonly secret: string;
}

describe('objects under identity', () => {
  let cluster: RunningCluster;
  let admin: NodeJS.ProcessEnv;
  let identity: string;
  let adminToken: string;
  const projects = new Map<string, string>();
  const users = new Map<string, string>();

  before(async () => {
    cluster = await RunningCluster.start(14_260);
    admin = Object.fromEntries(Object.entries(cluster.env).filter(([name]) => !name.startsWith('ST_')));
    identity = String(admin['OS_AUTH_URL']);
    adminToken = await login('admin', String(admin['OS_PASSWORD']), 'admin');
    for (const name of ['films', 'lab'])
      projects.set(name, String(Object((await ask('POST', '/projects', { project: { name } })).project).id));
    const places = { ann: ['films', 'member'], rob: ['films', 'reader'], zoe: ['lab', 'member'] };
    for (const [name, [project = '', role = '']] of Object.entries(places)) {
      const { user } = await ask('POST', '/users', { user: { name, password: PASSWORD } });
      users.set(name, String(Object(user).id));
      await ask(
        'PUT',
        `/projects/${projects.get(project)}/users/${users.get(name)}/roles/${await roleId(role)}`,
      );
    }
    await writeFile(join(cluster.folder, 'film'), 'a film');
    const headers = { 'x-auth-token': await login('ann', PASSWORD, 'films') };
    for (const [path, body] of [
      ['box', ''],
      ['box/film', 'a film'],
    ])
      await fetch(`${storageUrl('films')}/${path}`, { method: 'PUT', headers, body: body ?? '' });
  });
  after(() => cluster[Symbol.asyncDispose]());

  async function ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const headers = { 'x-auth-token': adminToken, 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(identity + path, { method, headers, ...sent });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
    const text = await answer.text();
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  }
  async function login(name: string, password: string, project: string): Promise<string> {
    const domain = { id: 'default' };
    const answer = await fetch(`${identity}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: { methods: ['password'], password: { user: { name, domain, password } } },
          scope: { project: { name: project, domain } },
        },
      }),
    });
    assert.equal(answer.status, 201);
    return answer.headers.get('x-subject-token') ?? '';
  }
  async function roleId(name: string): Promise<string> {
    const [role] = (await ask('GET', `/roles?name=${name}`))['roles'] as { id: string }[];
    return String(role?.id);
  }
  async function makeKeys(user: string, project: string): Promise<Keys> {
    const path = `/users/${users.get(user)}/credentials/OS-EC2`;
    const { credential } = await ask('POST', path, { tenant_id: projects.get(project) });
    return credential as Keys;
  }
  const storageUrl = (project: string) => `${cluster.endpoint}/v1/AUTH_${projects.get(project)}`;

  const as = async <Result>(env: NodeJS.ProcessEnv, run: () => Promise<Result>): Promise<Result> => {
    cluster.env = env;
    try {
      return await run();
    } finally {
      cluster.env = admin;
    }
  };
  const person = (name: string, project: string) => ({
    ...admin,
    OS_USERNAME: name,
    OS_PASSWORD: PASSWORD,
    OS_PROJECT_NAME: project,
  });
  const holding = ({ access, secret }: Keys) => ({
    ...admin,
    AWS_ACCESS_KEY_ID: access,
    AWS_SECRET_ACCESS_KEY: secret,
  });
  const swift = (...args: string[]) => cluster.attempt('swift', args);
  const succeeds = async (...args: string[]) => (await cluster.run('swift', args)).stdout;
  const isRefused = async (keys: Keys) =>
    await as(holding(keys), async () => {
      const { code, stderr } = await cluster.attempt('aws', ['s3', 'ls', 's3://box']);
      return code !== 0 && stderr.includes('InvalidAccessKeyId');
    });

  test('swift, with the variables of OpenStack, keeps a project’s objects in the account of its id', async () => {
    await as(person('ann', 'films'), async () => {
      assert.match(await succeeds('stat'), new RegExp(`Account: AUTH_${projects.get('films')}`));
      await succeeds('post', 'box');
      await succeeds('upload', 'box', 'film');
      assert.equal(await succeeds('list', 'box'), 'film\n');
      await succeeds('download', 'box', 'film', '-o', 'again');
    });
    assert.equal(await readFile(join(cluster.folder, 'again'), 'utf8'), 'a film');
  });

  test('openstack makes containers and objects', async () => {
    await as(person('ann', 'films'), async () => {
      await cluster.run('openstack', ['container', 'create', 'reels']);
      await cluster.run('openstack', ['object', 'create', 'reels', 'film']);
      const { stdout } = await cluster.run('openstack', ['object', 'list', 'reels', '-f', 'value']);
      assert.equal(stdout, 'film\n');
      await cluster.run('openstack', ['object', 'save', '--file', 'saved', 'reels', 'film']);
    });
    assert.equal(await readFile(join(cluster.folder, 'saved'), 'utf8'), 'a film');
  });

  test('aws, with keys that openstack made, reads and writes the same objects', async () => {
    const made = await as(person('ann', 'films'), () =>
      cluster.run('openstack', ['ec2', 'credentials', 'create', '-f', 'json']),
    );
    const keys = JSON.parse(made.stdout) as Keys;
    await as(holding(keys), async () => {
      await heardOf(keys);
      assert.equal((await cluster.aws('s3', 'cp', 's3://box/film', '-')).stdout, 'a film');
      await cluster.aws('s3', 'cp', 'film', 's3://box/by-aws');
    });
    await as(person('ann', 'films'), async () => {
      assert.equal(await succeeds('list', 'box'), 'by-aws\nfilm\n');
      await succeeds('delete', 'box', 'by-aws');
    });
  });

  test('of several keys of a user, one that is taken away is refused, and the others are not', async () => {
    const [one, two] = [await makeKeys('ann', 'films'), await makeKeys('ann', 'films')];
    for (const keys of [one, two]) await heardOf(keys);
    await ask('DELETE', `/users/${users.get('ann')}/credentials/OS-EC2/${one.access}`);
    await soon(() => isRefused(one));
    assert.equal(await isRefused(two), false);
    await ask('PATCH', `/users/${users.get('ann')}`, { user: { enabled: false } });
    await soon(() => isRefused(two));
    await ask('PATCH', `/users/${users.get('ann')}`, { user: { enabled: true } });
    await heardOf(two);
  });

  test('a reader reads through both doors, and writes through none', async () => {
    await as(person('rob', 'films'), async () => {
      assert.equal(await succeeds('list'), 'box\nreels\n');
      assert.equal(await succeeds('list', 'box'), 'film\n');
      assert.match((await swift('upload', 'box', 'again')).stderr, /403/);
      assert.match((await swift('delete', 'box', 'film')).stderr, /403/);
      assert.match((await swift('post', 'other')).stderr, /403/);
    });
    const keys = await makeKeys('rob', 'films');
    await heardOf(keys);
    await as(holding(keys), async () => {
      assert.match((await cluster.aws('s3', 'ls')).stdout, /box\n.*reels/);
      assert.equal((await cluster.aws('s3', 'cp', 's3://box/film', '-')).stdout, 'a film');
      for (const refused of [
        ['s3', 'cp', 'film', 's3://box/robs'],
        ['s3', 'rm', 's3://box/film'],
        ['s3', 'mb', 's3://robs-own'],
        ['s3api', 'put-bucket-acl', '--bucket', 'box', '--acl', 'public-read'],
      ]) {
        const { code, stderr } = await cluster.attempt('aws', refused);
        assert.notEqual(code, 0, refused.join(' '));
        assert.match(stderr, /AccessDenied/, refused.join(' '));
      }
    });
  });

  test('access lists let users of other projects in, by name, by id, and everybody', async () => {
    const [ann, zoe] = [await login('ann', PASSWORD, 'films'), await login('zoe', PASSWORD, 'lab')];
    const box = `${storageUrl('films')}/box`;
    const zoes = async () => (await fetch(box, { headers: { 'x-auth-token': zoe } })).status;
    const anybodys = async () => (await fetch(`${box}/film`)).status;
    const lists = async (list: string): Promise<void> => {
      const headers = { 'x-auth-token': ann, 'x-container-read': list };
      assert.equal((await fetch(box, { method: 'POST', headers })).status, 204, list);
    };
    assert.equal(await zoes(), 403);
    for (const list of ['lab:zoe', `${projects.get('lab')}:${users.get('zoe')}`, 'lab:*', '*:zoe', '*:*']) {
      await lists(list);
      assert.equal(await zoes(), 200, list);
    }
    for (const list of ['lab:ann', 'films:zoe', 'lab', 'member']) {
      await lists(list);
      assert.equal(await zoes(), 403, list);
    }
    assert.equal(await anybodys(), 401);
    await lists('.r:*,.rlistings');
    assert.equal(await anybodys(), 200);
    await as(person('ann', 'films'), () => succeeds('post', '-r', 'lab:zoe', 'box'));
    await as(person('zoe', 'lab'), async () => {
      assert.equal(await succeeds('--os-storage-url', storageUrl('films'), 'list', 'box'), 'film\n');
      assert.match(
        (await swift('--os-storage-url', storageUrl('films'), 'upload', 'box', 'film')).stderr,
        /403/,
      );
    });
    await lists('');
  });

  test('an administrator reaches every account, and TempAuth’s token is as good as ever', async () => {
    assert.equal(await succeeds('--os-storage-url', storageUrl('films'), 'list', 'box'), 'film\n');
    const { AWS_SECRET_ACCESS_KEY: key = '' } = admin;
    const v1 = ['-V', '1', '-A', `${cluster.endpoint}/auth/v1.0`, '-U', 'admin:admin', '-K', key];
    await succeeds(...v1, 'post', 'own');
    assert.equal(await succeeds(...v1, 'list'), 'own\n');
    // The administrator's account in the users file is the admin project's.
    assert.equal(await succeeds('list'), 'own\n');
  });

  test('control, killed again and again in the middle of requests with tokens and keys, is not missed', async () => {
    const keys = await makeKeys('ann', 'films');
    await heardOf(keys);
    const token = await login('ann', PASSWORD, 'films');
    let isOver = false;
    const byToken = async (worker: number): Promise<number> => {
      let requests = 0;
      for (; !isOver; requests += 1) {
        const url = `${storageUrl('films')}/box/t${worker}-${requests % 8}`;
        const headers = { 'x-auth-token': token };
        const put = await fetch(url, { method: 'PUT', headers, body: String(requests) });
        assert.equal(put.status, 201);
        assert.equal(await (await fetch(url, { headers })).text(), String(requests));
      }
      return requests;
    };
    const workers = Promise.all([byToken(1), byToken(2)]);
    const byKeys = as(holding(keys), () => cluster.python(MIXED));
    for (let times = 0; times < 3; times += 1) {
      await cluster.kill('control-1');
      await sleep(1500);
    }
    assert.match((await byKeys).stdout, /^300 done/);
    isOver = true;
    assert.ok((await workers).every((requests) => requests > 0));
  });

  test('while control says nothing, a proxy that is started anew goes on with what it was told', async () => {
    const keys = await makeKeys('ann', 'films');
    await heardOf(keys);
    const token = await login('ann', PASSWORD, 'films');
    await hasKept('node-1', keys);
    const pidOf = async (name: string) =>
      (await cluster.processes()).find((process) => process.name === name)?.pid ?? 0;
    await soon(async () => (await pidOf('control-1')) > 0);
    const control = await pidOf('control-1');
    assert.ok(control > 0);
    process.kill(control, 'SIGSTOP');
    try {
      const before = await pidOf('node-1');
      await cluster.kill('node-1');
      await soon(async () => ![0, before].includes(await pidOf('node-1')));
      await as(holding(keys), async () => {
        assert.equal((await cluster.aws('s3', 'cp', 's3://box/film', '-')).stdout, 'a film');
      });
      const headers = { 'x-auth-token': token };
      assert.equal((await fetch(`${storageUrl('films')}/box/film`, { headers })).status, 200);
    } finally {
      process.kill(control, 'SIGCONT');
    }
    const fresh = await makeKeys('ann', 'films');
    await heardOf(fresh);
  });

  async function heardOf(keys: Keys): Promise<void> {
    await soon(async () => !(await isRefused(keys)));
  }

  /** Until the keys are in the file that is all that a process has when control says nothing. */
  async function hasKept(name: string, { access }: Keys): Promise<void> {
    const credentials = join(cluster.dataDirectory, 'credentials');
    const key = await readClusterKey(join(credentials, 'cluster.key'));
    const cache = new IdentityCache(join(credentials, `identity-${name}.cache`), key, realRandomness());
    await soon(async () => {
      const kept = await cache.load();
      return kept?.items.some((item) => item.kind === 'ec2' && item.access === access) === true;
    });
  }
});

async function soon(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + SOON_MS;
  while (Date.now() < deadline) {
    if (await holds()) return;
    await sleep(50);
  }
  assert.fail('it did not come true');
}

const MIXED = `
from concurrent.futures import ThreadPoolExecutor
def work(n):
    key = 'k%d' % (n % 20) + '-%d' % n
    s3.put_object(Bucket='box', Key=key, Body=str(n).encode())
    assert s3.get_object(Bucket='box', Key=key)['Body'].read() == str(n).encode()
    s3.delete_object(Bucket='box', Key=key)
    return 1
with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(work, range(300))), 'done')
`;
