/** Secrets stay where they belong: none in a log, in what is printed, in a process's arguments or environment, or in an answer. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusOf } from './answered.ts';
import { Foreground, holdfast, LAUNCHER } from './foreground.ts';
import { exportedIn, keysIn, s3, type ShellKeys } from './s3-request.ts';

const PORTS = { s3: 24_000, control: 24_010, storage: 24_020, metrics: 24_030 };
const OBJECTS = `http://127.0.0.1:${PORTS.s3}`;
const IDENTITY = `http://127.0.0.1:${PORTS.control}/identity/v3`;
const PASSWORD = 'swordfish of ann 4711';
/** Of a secret that is cut, so much is still looked for. */
const PIECE_CHARACTERS = 12;

describe('the secrets of a cluster', () => {
  let folder: string;
  let data: string;
  let up: Foreground;
  let admin: ShellKeys & { readonly OS_PASSWORD: string };
  let alice: ShellKeys;
  const secrets = new Map<string, string>();
  /** Tokens may be shown to who logs in, a new secret to who makes it: those answers are not kept. */
  const answers: string[] = [];

  const start = async (): Promise<Foreground> => {
    const config = join(folder, 'holdfast.yaml');
    writeFileSync(
      config,
      `apart: true\nobjects: {port: ${PORTS.s3}}\ncontrol: {port: ${PORTS.control}}\n` +
        `storage: {processes: 1, portBase: ${PORTS.storage}}\nmetrics: {portBase: ${PORTS.metrics}}\n` +
        'users: [{name: alice, account: film}]\n',
    );
    // What a shell has that has read admin.env is nothing that the processes are to inherit from a test.
    const env = { PATH: process.env['PATH'], HOME: folder };
    const started = new Foreground(LAUNCHER, ['up', '--data', data, '--config', config], { env });
    await started.prints(/^holdfast: ready$/m);
    return started;
  };
  const credential = (name: string): string => join(data, 'credentials', name);
  const status = () => statusOf(data);
  const heard = async (answer: Response): Promise<number> => {
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    answers.push(`${answer.status} ${answer.url}\n${headers}\n${await answer.text()}`);
    return answer.status;
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-secrets-'));
    data = join(folder, 'data');
    up = await start();
    admin = keysIn(credential('admin.env')) as typeof admin;
    const { users } = JSON.parse(readFileSync(credential('users'), 'utf8')) as {
      users: { name: string; accessKey: string; secretKey: string }[];
    };
    const found = users.find(({ name }) => name === 'alice');
    assert.ok(found !== undefined);
    alice = { ...admin, AWS_ACCESS_KEY_ID: found.accessKey, AWS_SECRET_ACCESS_KEY: found.secretKey };
    secrets.set('the cluster key', readFileSync(credential('cluster.key'), 'utf8').trim());
    secrets.set('the metrics token', readFileSync(credential('metrics.token'), 'utf8').trim());
    secrets.set('the administrator’s password', admin.OS_PASSWORD);
    secrets.set('the administrator’s key', admin.AWS_SECRET_ACCESS_KEY);
    secrets.set('alice’s key', alice.AWS_SECRET_ACCESS_KEY);
    secrets.set('ann’s password', PASSWORD);
  });
  after(async () => {
    await up[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  function login(password: unknown, name = 'admin'): Promise<Response> {
    const domain = { id: 'default' };
    const identity = { methods: ['password'], password: { user: { name, domain, password } } };
    const scope = { project: { name: 'admin', domain } };
    return ask('POST', '/auth/tokens', undefined, JSON.stringify({ auth: { identity, scope } }));
  }
  function ask(method: string, path: string, token?: string, body?: string): Promise<Response> {
    const headers = {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { 'x-auth-token': token }),
    };
    return fetch(IDENTITY + path, { method, headers, ...(body === undefined ? {} : { body }) });
  }

  test('are used by S3, well and wrongly', async () => {
    assert.equal(await heard(await s3(alice, 'PUT', '/films')), 200);
    assert.equal(await heard(await s3(alice, 'PUT', '/films/one', 'the first')), 200);
    assert.equal(await heard(await s3(alice, 'GET', '/films/one')), 200);
    assert.equal(await heard(await s3(admin, 'GET', '/nowhere/at-all')), 404);
    const wrong = { ...alice, AWS_SECRET_ACCESS_KEY: `${alice.AWS_SECRET_ACCESS_KEY}x` };
    assert.equal(await heard(await s3(wrong, 'GET', '/films/one')), 403);
    const unknown = { ...alice, AWS_ACCESS_KEY_ID: 'NOBODY' };
    assert.equal(await heard(await s3(unknown, 'GET', '/films/one')), 403);
    assert.equal(await heard(await s3(alice, 'POST', '/films?delete', '<Delete>')), 400);
    const authorization = `Bearer ${alice.AWS_SECRET_ACCESS_KEY}`;
    assert.ok((await heard(await fetch(`${OBJECTS}/films/one`, { headers: { authorization } }))) >= 400);
  });

  test('are used by Swift, well and wrongly', async () => {
    const key = alice.AWS_SECRET_ACCESS_KEY;
    const knock = (given: string) =>
      fetch(`${OBJECTS}/auth/v1.0`, { headers: { 'x-auth-user': 'film:alice', 'x-auth-key': given } });
    const welcome = await knock(key);
    assert.equal(welcome.status, 200);
    const token = welcome.headers.get('x-auth-token') ?? '';
    secrets.set('alice’s Swift token', token);
    assert.equal(await heard(await knock(`${key}x`)), 401);
    const account = `${OBJECTS}/v1/AUTH_film`;
    const headers = { 'x-auth-token': token };
    assert.equal(await heard(await fetch(`${account}/films/one`, { headers })), 200);
    assert.equal(await heard(await fetch(`${account}/films/none`, { headers })), 404);
    const bad = { 'x-auth-token': `${token}x` };
    assert.equal(await heard(await fetch(`${account}/films/one`, { headers: bad })), 401);
    const other = { ...headers, 'x-copy-from': '/films/none' };
    assert.equal(await heard(await fetch(`${account}/films/two`, { method: 'PUT', headers: other })), 404);
  });

  test('are used by Keystone, well and wrongly', async () => {
    const entered = await login(admin.OS_PASSWORD);
    assert.equal(entered.status, 201);
    const token = entered.headers.get('x-subject-token') ?? '';
    secrets.set('the administrator’s token', token);
    const { token: statement } = (await entered.json()) as {
      token: { user: { id: string }; project: { id: string } };
    };
    const user = JSON.stringify({ user: { name: 'ann', password: PASSWORD } });
    assert.equal(await heard(await ask('POST', '/users', token, user)), 201);
    assert.equal(await heard(await ask('POST', '/users', token, user)), 409);
    const wanted = JSON.stringify({ tenant_id: statement.project.id });
    const made = await ask('POST', `/users/${statement.user.id}/credentials/OS-EC2`, token, wanted);
    const { credential: pair } = (await made.json()) as { credential: { access: string; secret: string } };
    secrets.set('the EC2 secret', pair.secret);
    const keys = { ...admin, AWS_ACCESS_KEY_ID: pair.access, AWS_SECRET_ACCESS_KEY: pair.secret };
    for (let attempt = 0; (await heard(await s3(keys, 'GET', '/'))) !== 200; attempt += 1) {
      assert.ok(attempt < 600, 'the proxy hears of the key');
      await sleep(100);
    }
    assert.equal(await heard(await s3({ ...keys, AWS_SECRET_ACCESS_KEY: 'no' }, 'GET', '/')), 403);

    assert.equal(await heard(await login(`${admin.OS_PASSWORD}x`)), 401);
    assert.equal(await heard(await login([admin.OS_PASSWORD])), 400);
    assert.equal(await heard(await login(PASSWORD, 'nobody')), 401);
    const broken = `{"auth": {"identity": {"password": {"user": {"password": "${admin.OS_PASSWORD}" oops`;
    assert.equal(await heard(await ask('POST', '/auth/tokens', undefined, broken)), 400);
    assert.equal(await heard(await ask('GET', '/users', `${token.slice(0, -20)}${'A'.repeat(20)}`)), 401);
    assert.equal(await heard(await ask('GET', '/users/none', token)), 404);
  });

  test('do not come up in complaints of a users file that is damaged in the middle of one', async () => {
    const whole = readFileSync(credential('users'), 'utf8');
    const cut = whole.indexOf(alice.AWS_SECRET_ACCESS_KEY) + PIECE_CHARACTERS + 4;
    writeFileSync(credential('users'), `${whole.slice(0, cut)} and no more`);
    const log = join(data, 'log', 'proxy-1.log');
    for (let attempt = 0; !readFileSync(log, 'utf8').includes('the users file'); attempt += 1) {
      assert.ok(attempt < 600, 'the proxy complains');
      await sleep(100);
    }
    writeFileSync(credential('users'), whole);
    assert.equal(await heard(await s3(alice, 'GET', '/films/one')), 200);
  });

  test('do not come up when a process dies and when the cluster is asked how it is', async () => {
    const victim = (await status()).processes.find(({ name }) => name === 'proxy-1')?.pid;
    assert.ok(victim !== undefined && victim > 0, 'proxy-1 runs');
    process.kill(victim, 'SIGKILL');
    await up.prints(/proxy-1 serves again/);
    const listed = await holdfast('user', 'list', '--data', data);
    answers.push(listed.stdout, listed.stderr, JSON.stringify(await status()));
    const authorization = `Bearer ${secrets.get('the metrics token')}`;
    const port = PORTS.metrics + 1;
    assert.equal(
      await heard(await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization } })),
      200,
    );
    assert.equal(await heard(await fetch(`http://127.0.0.1:${port}/metrics`)), 401);
  });

  test('are in no answer, and nothing that was printed', () => {
    for (const answer of answers) tellsNothing(`the answer ${answer.slice(0, 60)}`, answer);
    tellsNothing('what `holdfast up` prints', up.output);
  });

  test('are in no argument and in no environment of any process', async () => {
    const { processes } = await status();
    assert.ok(processes.length >= 4);
    for (const { name, pid } of processes)
      for (const kind of ['cmdline', 'environ'])
        tellsNothing(`${kind} of ${name}`, readFileSync(`/proc/${pid}/${kind}`, 'latin1'));
  });

  test('are in no file but those of credentials/, which only their owner may read', async () => {
    assert.equal(statSync(join(data, 'credentials')).mode & 0o777, 0o700);
    assert.equal(statSync(data).mode & 0o007, 0, 'others cannot enter the data');
    assert.equal(await up.stop(), 0);
    let logs = 0;
    for (const file of filesBelow(data)) {
      const name = relative(data, file);
      // The locks hold nothing: they are looked through like any other file.
      if (name.startsWith('credentials/') && !name.includes('.lock/')) {
        assert.equal(statSync(file).mode & 0o777, 0o600, name);
        continue;
      }
      if (name.startsWith('log/')) logs += 1;
      tellsNothing(name, readFileSync(file, 'latin1'));
    }
    assert.ok(logs >= 3);
    // The test itself sees what it looks for.
    assert.throws(() => tellsNothing('admin.env', readFileSync(credential('admin.env'), 'utf8')));
    tellsNothing('what `holdfast up` printed', up.output);
    assert.ok(
      exportedIn(readFileSync(credential('admin.env'), 'utf8'))['AWS_SECRET_ACCESS_KEY'] !== undefined,
    );
  });

  function tellsNothing(where: string, text: string): void {
    for (const [name, secret] of secrets) {
      assert.ok(secret.length >= PIECE_CHARACTERS, `${name} is known`);
      // The end of a token is its proof; its beginning tells only whose it is.
      const pieces = [
        secret,
        Buffer.from(secret).toString('base64').slice(0, -4),
        secret.slice(-PIECE_CHARACTERS),
      ];
      if (!name.includes('token')) pieces.push(secret.slice(0, PIECE_CHARACTERS));
      // Files are read as latin1, where a byte is a character, and secrets are ASCII.
      for (const piece of pieces) assert.ok(!text.includes(piece), `${name} is in ${where}`);
    }
  }
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
