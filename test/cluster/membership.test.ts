/** A cluster of real processes and a proxy "on another machine": registered by a lease, and told of rings by control alone. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterStatus } from '#console/supervisor/cluster-status.ts';
import { RunningCluster } from '../clients/running-cluster.ts';
import { statusOf } from '../house/answered.ts';
import { adminToken, type Service, serviceNamed } from '../house/control-services.ts';
import { Foreground, LAUNCHER } from '../house/foreground.ts';
import { s3, type ShellKeys } from '../house/s3-request.ts';

const PORT_OFFSET = 15_360;
const PORTS = { s3: 8080 + PORT_OFFSET, feed: 5001 + PORT_OFFSET, remote: 8090 + PORT_OFFSET };
const WAIT_MS_MAX = 120_000;

function status(cluster: RunningCluster): Promise<ClusterStatus> {
  return statusOf(cluster.dataDirectory, (...words) => cluster.attempt(LAUNCHER, words));
}

async function until<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
  const startedMs = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(performance.now() - startedMs < WAIT_MS_MAX, what);
    await sleep(20);
  }
}

/** The version in a ring file's header. */
function ringVersion(path: string): number {
  return existsSync(path) ? readFileSync(path).readUInt32LE(16) : 0;
}

class OtherMachine {
  readonly folder: string;
  readonly ringFile: string;
  readonly keys: ShellKeys;
  readonly #config: string;

  constructor(cluster: RunningCluster) {
    this.folder = cluster.folder;
    this.ringFile = join(cluster.folder, 'elsewhere', 'ring');
    this.#config = join(cluster.folder, 'proxy.yaml');
    const credentials = join(cluster.dataDirectory, 'credentials');
    const lines = [
      'proxy:',
      '  name: proxy-far',
      `  listen: {host: 127.0.0.1, port: ${PORTS.remote}}`,
      `  ringFile: ${this.ringFile}`,
      `  clusterKeyFile: ${join(credentials, 'cluster.key')}`,
      `  usersFile: ${join(credentials, 'users')}`,
      `membership: {host: 127.0.0.1, port: ${PORTS.feed}}`,
    ];
    writeFileSync(this.#config, lines.join('\n'));
    this.keys = {
      ...(cluster.env as unknown as ShellKeys),
      AWS_ENDPOINT_URL: `http://127.0.0.1:${PORTS.remote}`,
    };
  }

  start(t: TestContext): Foreground {
    const started = new Foreground(LAUNCHER, ['serve', 'proxy', '--config', this.#config]);
    t.after(() => started[Symbol.asyncDispose]());
    return started;
  }
}

test('a process is known by its lease, and has every ring by control alone', async (t) => {
  await using cluster = await RunningCluster.start(PORT_OFFSET);
  const ring = (...words: string[]) =>
    cluster.run(LAUNCHER, ['ring', ...words, '--data', cluster.dataDirectory]);
  const token = await adminToken(cluster.env);
  const service = (name: string) => serviceNamed(cluster.env, token, name);
  const inState = (name: string, state: Service['state']) =>
    until(`${name} is ${state}`, async () => {
      const found = await service(name);
      return found?.state === state ? found : undefined;
    });
  for (const name of ['node-1', 'control-1']) await inState(name, 'up');

  // It has no ring's file, and no way to the cluster's: control sends the first ring, too.
  const other = new OtherMachine(cluster);
  const proxy = other.start(t);
  const far = await inState('proxy-far', 'up');
  assert.deepEqual(
    [far.binary, far.zone, far.status, far.ports, far.devices_out],
    ['holdfast-proxy', 'internal', 'enabled', [PORTS.remote], []],
  );
  assert.match(far.updated_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
  assert.ok((await s3(other.keys, 'PUT', '/far')).ok);
  assert.ok((await s3(cluster.env as unknown as ShellKeys, 'GET', '/far')).ok);

  // A change of the ring.
  const changed = async () => {
    const source = join(cluster.dataDirectory, 'ring', 'ring');
    const before = ringVersion(source);
    await ring('set-weight', '0', String(100 - before));
    await ring('rebalance');
    await until('a newer ring', async () => (ringVersion(source) > before ? true : undefined));
    const startedMs = performance.now();
    const version = ringVersion(source);
    await until('the ring elsewhere', async () =>
      ringVersion(other.ringFile) >= version ? true : undefined,
    );
    t.diagnostic(
      `ring ${version} was elsewhere ${Math.round(performance.now() - startedMs)} ms after it was published`,
    );
    await until(
      'the ring in use',
      async () => ((await service('proxy-far'))?.ring_version ?? 0) >= version || undefined,
    );
  };
  await changed();

  // Control is killed: the proxy serves on with its ring, and has the next one when control is back.
  await cluster.kill('control-1');
  assert.ok((await s3(other.keys, 'PUT', '/far/while-control-is-away', 'here')).ok);
  await inState('proxy-far', 'up');
  await changed();

  // The proxy is killed: down with its lease. Its command's process is the role's own.
  proxy.kill('SIGKILL');
  await proxy.exit();
  const down = await inState('proxy-far', 'down');
  await until('status tells of it, too', async () => {
    const { services } = await status(cluster);
    return services?.find(({ id }) => id === 'proxy-far')?.state === down.state ? true : undefined;
  });
  const again = other.start(t);
  await inState('proxy-far', 'up');
  assert.equal(await (await s3(other.keys, 'GET', '/far/while-control-is-away')).text(), 'here');

  // One that is stopped says so; then it can be forgotten.
  const forget = (name: string) =>
    fetch(new URL(`/v1/services/${name}`, cluster.env['OS_AUTH_URL']), {
      method: 'DELETE',
      headers: { 'x-auth-token': token },
    });
  // Up as long as it renews its lease, which a busy machine may keep it from: then it is forgotten, and registers anew.
  let refused = await forget('proxy-far');
  for (let tries = 0; refused.status === 204 && tries < 5; tries += 1) {
    await inState('proxy-far', 'up');
    refused = await forget('proxy-far');
  }
  assert.equal(refused.status, 409);
  assert.equal(await again.stop(), 0);
  await inState('proxy-far', 'down');
  assert.equal((await forget('proxy-far')).status, 204);
  assert.equal((await forget('proxy-far')).status, 404);
  assert.equal(await service('proxy-far'), undefined);
});
