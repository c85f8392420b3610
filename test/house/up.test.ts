/** `holdfast up`, `status`, `user` and `serve`: real processes on a real disk, killed and started again. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterStatus } from '#console/supervisor/cluster-status.ts';
import { isRunning } from '#console/supervisor/stale-processes.ts';
import { statusOf } from './answered.ts';
import { finish, Foreground, holdfast, LAUNCHER } from './foreground.ts';
import { exportedIn, keysIn, s3 } from './s3-request.ts';

const PORTS = { s3: 21_400, control: 21_440, status: 21_442, storage: 21_450 };
const STATUS_MS_MAX = 120_000;
const ENDED_MS_MAX = 60_000;

describe('a cluster in the foreground', () => {
  let folder: string;
  let data: string;
  let config: string;
  let up: Foreground;

  const start = async (...args: string[]): Promise<Foreground> => {
    const started = new Foreground(LAUNCHER, ['up', '--data', data, '--config', config, ...args]);
    await started.prints(/^holdfast: ready$/m);
    return started;
  };
  const status = () => statusOf(data);
  /** Until it is as `check` says: a role that answers late is told of as down, and one look would be a matter of luck. */
  const statusThat = async (check: (told: ClusterStatus) => void): Promise<void> => {
    const deadlineMs = Date.now() + STATUS_MS_MAX;
    for (;;) {
      try {
        return check(await status());
      } catch (error) {
        if (Date.now() > deadlineMs) throw error;
      }
      await sleep(200);
    }
  };
  const pidOf = async (name: string): Promise<number> => {
    const found = (await status()).processes.find((process) => process.name === name)?.pid;
    assert.ok(found !== undefined, `${name} runs`);
    return found;
  };
  /** Gone, or but waiting for a parent to hear of its end: when an orphan's new one does, nobody says. */
  const hasEnded = async (pid: number): Promise<void> => {
    assert.ok(pid > 1, `pid ${pid} is that of a process`);
    const deadlineMs = Date.now() + ENDED_MS_MAX;
    while (isRunning(pid)) {
      assert.ok(Date.now() < deadlineMs, `pid ${pid} has ended`);
      await sleep(50);
    }
  };
  const keys = () => keysIn(join(data, 'credentials', 'admin.env'));

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-house-'));
    data = join(folder, 'data');
    config = join(folder, 'holdfast.yaml');
    writeFileSync(
      config,
      `apart: true\nobjects: {port: ${PORTS.s3}}\ncontrol: {port: ${PORTS.control}}\nstorage: {processes: 2, portBase: ${PORTS.storage}}\n` +
        'users: [{name: alice, account: film}]\n',
    );
    up = await start();
  });
  after(async () => {
    await up[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test('ends its start with the endpoints and the line that scripts wait for', () => {
    assert.match(up.output, /S3 +http:\/\/127\.0\.0\.1:21400\n/);
    assert.match(up.output, /Swift +http:\/\/127\.0\.0\.1:21400\/auth\/v1\.0\n/);
    assert.match(up.output, /identity +http:\/\/127\.0\.0\.1:21440\/identity\/v3\n/);
    assert.match(up.output, /credentials\/admin\.env/);
    assert.ok(up.output.endsWith('\nholdfast: ready\n'));
  });

  test('stores and gives back with the keys of admin.env', async () => {
    assert.equal((await s3(keys(), 'PUT', '/films')).status, 200);
    assert.equal((await s3(keys(), 'PUT', '/films/one', 'the first')).status, 200);
    assert.equal(await (await s3(keys(), 'GET', '/films/one')).text(), 'the first');
  });

  test('tells its processes, devices and partitions to a machine', async () => {
    await statusThat((told) => {
      assert.deepEqual(
        told.processes.map(({ role, name, ports, state }) => [role, name, ports.join(), state]),
        [
          ['supervisor', 'supervisor', '21442', 'ready'],
          ['storage', 'storage-1', '21450', 'ready'],
          ['storage', 'storage-2', '21451', 'ready'],
          ['proxy', 'proxy-1', '21400', 'ready'],
          ['control', 'control-1', '21440,21441', 'ready'],
        ],
      );
      assert.deepEqual(
        told.devices.map(({ id, process, health }) => [id, process, health]),
        [
          [0, 'storage-1', 'ok'],
          [1, 'storage-2', 'ok'],
          [2, 'storage-1', 'ok'],
          [3, 'storage-2', 'ok'],
        ],
      );
      assert.ok(told.devices.every(({ totalBytes, freeBytes }) => totalBytes > 0 && freeBytes > 0));
      assert.ok(told.devices.some(({ records }) => records > 0));
      const { count, healthy, degraded, unavailable } = told.partitions;
      assert.deepEqual([healthy, degraded, unavailable], [count, 0, 0]);
    });
  });

  test('and to a person', async () => {
    await statusThat(({ partitions }) => assert.equal(partitions.healthy, partitions.count));
    const { code, stdout } = await holdfast('status', '--data', data);
    assert.equal(code, 0);
    assert.match(stdout, /^storage-2 +\d+ +21451 +ready +0 /m);
    assert.match(stdout, /^ +3 +4 +storage-2 +ok +[\d.]+ \w+ +[\d.]+ \w+/m);
    assert.match(stdout, /^partitions: 1024: 1024 healthy, 0 degraded, 0 unavailable$/m);
  });

  test('shows its health to anybody, and its status only to who has the key', async () => {
    const control = `http://127.0.0.1:${PORTS.status}`;
    for (const port of [PORTS.control, PORTS.status])
      assert.deepEqual(await (await fetch(`http://127.0.0.1:${port}/healthz`)).json(), { status: 'ok' });
    assert.equal((await fetch(`${control}/v1/status`)).status, 401);
    const authorization = `Bearer ${'0'.repeat(64)}`;
    assert.equal((await fetch(`${control}/v1/status`, { headers: { authorization } })).status, 401);
    assert.equal((await fetch(`${control}/v1/other`)).status, 404);
  });

  test('takes requests while its only proxy restarts: they wait, and none is refused', async () => {
    process.kill(await pidOf('proxy-1'), 'SIGKILL');
    await up.prints(/proxy-1 \(pid \d+\) died \(SIGKILL\): restarting it/);
    assert.equal(await (await s3(keys(), 'GET', '/films/one')).text(), 'the first');
    await up.prints(/proxy-1 serves again/);
  });

  test('starts a storage process that was killed again, and has every object', async () => {
    process.kill(await pidOf('storage-1'), 'SIGKILL');
    await up.prints(/storage-1 \(pid \d+\) died \(SIGKILL\): restarting it/);
    await up.prints(/storage-1 serves again/);
    assert.equal(await (await s3(keys(), 'GET', '/films/one')).text(), 'the first');
    const restarts = (await status()).processes.map(({ name, restarts: count }) => [name, count]);
    assert.deepEqual(restarts, [
      ['supervisor', 0],
      ['storage-1', 1],
      ['storage-2', 0],
      ['proxy-1', 1],
      ['control-1', 0],
    ]);
  });

  test('goes on where its own folder takes no file of a process that is started again', async () => {
    const pidFile = join(data, 'run', 'control-1.pid');
    const pid = await pidOf('control-1');
    rmSync(pidFile);
    mkdirSync(pidFile);
    process.kill(pid, 'SIGKILL');
    await up.prints(/control-1: .*EISDIR/);
    await up.prints(/control-1 serves again/);
    rmSync(pidFile, { recursive: true });
    assert.equal(await (await s3(keys(), 'GET', '/films/one')).text(), 'the first');
  });

  test('counts the partitions of a process that stands still as degraded or unavailable', async () => {
    const pid = await pidOf('storage-2');
    process.kill(pid, 'SIGSTOP');
    try {
      await statusThat(({ devices, partitions }) => {
        assert.deepEqual(
          devices.map(({ health }) => health),
          ['ok', 'down', 'ok', 'down'],
        );
        assert.equal(partitions.healthy, 0);
        assert.ok(partitions.degraded > 0 && partitions.unavailable > 0);
      });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  test('takes a user who comes, gives the keys once, and refuses one who has gone', async () => {
    const added = await holdfast('user', 'add', 'bob', '--account', 'film', '--data', data);
    assert.equal(added.code, 0, added.stderr);
    const bob = { ...keys(), ...exportedIn(added.stdout) };
    const becomes = async (code: number): Promise<void> => {
      for (let attempt = 0; (await s3(bob, 'GET', '/')).status !== code; attempt++) {
        assert.ok(attempt < 200, `bob does not get ${code}`);
        await sleep(100);
      }
    };
    await becomes(200);
    const listed = await holdfast('user', 'list', '--data', data);
    assert.match(listed.stdout, /^alice +film +\w+ +owner +no$/m);
    assert.ok(!listed.stdout.includes(bob.AWS_SECRET_ACCESS_KEY));
    assert.equal((await holdfast('user', 'add', 'bob', '--account', 'film', '--data', data)).code, 3);
    assert.equal((await holdfast('user', 'add', 'no/name', '--data', data)).code, 2);
    assert.equal((await holdfast('user', 'remove', 'bob', '--data', data)).code, 0);
    await becomes(403);
  });

  test('keeps a second one from its data, from its ports, and from other settings', async () => {
    const other = join(folder, 'other');
    const second = await holdfast('up', '--data', data, '--config', config);
    assert.equal(second.code, 3);
    assert.match(second.stderr, /data is in use by another `holdfast up`/);
    const taken = await holdfast('up', '--data', other, '--config', config);
    assert.equal(taken.code, 3);
    assert.match(taken.stderr, /127\.0\.0\.1:21400 is in use/);
    const foreign = await holdfast('up', '--data', folder, '--config', config);
    assert.equal(foreign.code, 3);
    assert.match(foreign.stderr, /holds no cluster, but other files/);
    assert.ok(!readdirSync(folder).includes('lock'));
  });

  test('killed with -9 leaves no process behind, and the next start has everything', async () => {
    const before = await status();
    const pids = before.processes.map(({ pid }) => pid ?? 0);
    up.kill('SIGKILL');
    await up.exit();
    up = await start();
    const now = await status();
    assert.equal(now.clusterId, before.clusterId);
    for (const pid of pids) await hasEnded(pid);
    assert.equal(await (await s3(keys(), 'GET', '/films/one')).text(), 'the first');
  });

  test('stops cleanly on Ctrl-C, leaves nothing running, and then says so', async () => {
    const pids = (await status()).processes.map(({ pid }) => pid ?? 0);
    assert.equal(await up.stop(), 0);
    assert.ok(up.output.endsWith('holdfast: stopped\n'), up.output);
    for (const pid of pids) await hasEnded(pid);
    const after = await holdfast('status', '--data', data);
    assert.equal(after.code, 4);
    assert.match(after.stderr, /is not running/);
  });

  test('refuses other numbers of devices than it was made with', async () => {
    const { code, stderr } = await holdfast('up', '--data', data, '--config', config, '--devices', '5');
    assert.equal(code, 3);
    assert.match(stderr, /made with 4 devices, and devices is now 5/);
  });

  test('moves its ports and its processes, and has everything there', async () => {
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace('processes: 2', 'processes: 4').concat('proxy: {processes: 2}\n'));
    up = await start('--port-offset', '10');
    assert.equal(keys().AWS_ENDPOINT_URL, 'http://127.0.0.1:21410');
    for (let request = 0; request < 20; request++)
      assert.equal(await (await s3(keys(), 'GET', '/films/one')).text(), 'the first');
    await statusThat(({ processes, partitions }) => {
      assert.equal(processes.filter(({ role }) => role === 'storage').length, 4);
      assert.deepEqual(
        processes.filter(({ role }) => role === 'proxy').map(({ ports }) => ports[0]),
        [21_410, 21_410],
      );
      assert.equal(partitions.healthy, partitions.count);
    });
  });

  test('puts devices and clients together, where one process is told of in both roles', async () => {
    assert.equal(await up.stop(), 0);
    writeFileSync(config, readFileSync(config, 'utf8').replace('apart: true', 'apart: false'));
    up = await start('--port-offset', '20');
    await statusThat(({ processes, partitions }) => {
      assert.deepEqual(
        processes.slice(1, -1).map(({ role, name }) => [role, name]),
        [1, 2, 3, 4].flatMap((number) => [
          ['storage', `node-${number}`],
          ['proxy', `node-${number}`],
        ]),
      );
      assert.equal(partitions.healthy, partitions.count);
    });
    assert.equal(await (await s3(keys(), 'GET', '/films/one')).text(), 'the first');
    process.kill(await pidOf('node-2'), 'SIGKILL');
    await up.prints(/node-2 serves again/);
    for (let request = 0; request < 20; request++)
      assert.equal(await (await s3(keys(), 'GET', '/films/one')).text(), 'the first');
    assert.equal(await up.stop(), 0);
    writeFileSync(config, readFileSync(config, 'utf8').replace('apart: false', 'apart: true'));
    up = await start('--port-offset', '10');
  });

  test('runs a role by itself with the file that it wrote for it, and names what is wrong with one', async () => {
    assert.equal(await up.stop(), 0);
    await using role = new Foreground(LAUNCHER, [
      'serve',
      'storage',
      '--config',
      join(data, 'run', 'storage-1.yaml'),
    ]);
    await role.prints(/"message":"serving".*"ports":\[21460\]/);
    role.kill('SIGTERM');
    assert.equal(await role.exit(), 0);
    assert.match(role.output, /"message":"stopped"/);

    // One that has never heard of control, and cannot now, serves what it can.
    const proxyFile = readFileSync(join(data, 'run', 'proxy-1.yaml'), 'utf8');
    assert.match(proxyFile, /cacheFile: /);
    const unheard = join(folder, 'unheard.yaml');
    writeFileSync(
      unheard,
      proxyFile
        .replace(/cacheFile: .*/, `cacheFile: ${join(folder, 'unheard')}`)
        .replace(/^(?:metrics|membership):[^]*/m, ''),
    );
    await using proxy = new Foreground(LAUNCHER, ['serve', 'proxy', '--config', unheard]);
    await proxy.prints(/"message":"serving"/);
    proxy.kill('SIGTERM');
    assert.equal(await proxy.exit(), 0);

    const broken = join(folder, 'broken.yaml');
    writeFileSync(
      broken,
      readFileSync(join(data, 'run', 'storage-1.yaml'), 'utf8').replace('listen:', 'lisen:'),
    );
    const refused = await finish(LAUNCHER, ['serve', 'storage', '--config', broken]);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stdout,
      /broken\.yaml:\d+:\d+: storage\.lisen is not a setting; did you mean storage\.listen\?/,
    );
  });
});
