/**
 * OpenStack Swift as Debian has it, in a folder of its own: proxy, account, container and object server with three devices,
 * and memcached for TempAuth's tokens. From the library's package alone: those of the servers would start services.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS_MAX = 60_000;
const SERVERS = ['account', 'container', 'object'] as const;
const REPLICAS = 3;

const RINGS = `
import sys
from swift.common.ring import RingBuilder
folder, replicas, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for at, name in enumerate(sys.argv[4:]):
    builder = RingBuilder(4, replicas, 1)
    for device in range(replicas):
        builder.add_dev({'id': device, 'region': 1, 'zone': device + 1, 'ip': '127.0.0.1', 'port': first + at,
                         'device': 'd%d' % device, 'weight': 100, 'meta': ''})
    builder.rebalance()
    builder.get_ring().save('%s/%s.ring.gz' % (folder, name))
`;

const SERVER = `
import sys
from swift.common import utils
utils.set_swift_dir(sys.argv[1])
from swift.common.wsgi import run_wsgi
from swift.obj import server
name = sys.argv[2]
more = {'global_conf_callback': server.global_conf_callback} if name == 'object-server' else {}
sys.exit(run_wsgi('%s/%s.conf' % (sys.argv[1], name), name, **more))
`;

const PIPELINE = 'catch_errors cache listing_formats s3api tempauth slo dlo versioned_writes proxy-server';
const FILTERS: readonly (readonly [name: string, use: string, ...more: string[]])[] = [
  ['catch_errors', 'catch_errors'],
  ['listing_formats', 'listing_formats'],
  ['s3api', 's3api', 'location = us-east-1'],
  ['tempauth', 'tempauth', 'user_test_tester = testing .admin'],
  ['slo', 'slo'],
  ['dlo', 'dlo'],
  ['versioned_writes', 'versioned_writes'],
];

export class DebianSwift implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-swift-'));
  readonly endpoint: string;
  /** For a client of either door. */
  readonly env: Readonly<Record<string, string>>;
  readonly #port: number;
  readonly #children: ChildProcess[] = [];

  private constructor(port: number) {
    this.#port = port;
    this.endpoint = `http://127.0.0.1:${port}`;
    this.env = {
      ST_AUTH: `${this.endpoint}/auth/v1.0`,
      ST_USER: 'test:tester',
      ST_KEY: 'testing',
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_ACCESS_KEY_ID: 'test:tester',
      AWS_SECRET_ACCESS_KEY: 'testing',
      AWS_DEFAULT_REGION: 'us-east-1',
    };
  }

  /** @param port the proxy's; the four that follow are used, too. */
  static async start(port: number): Promise<DebianSwift> {
    const swift = new DebianSwift(port);
    try {
      swift.#configure();
      await swift.#launch();
      return swift;
    } catch (error) {
      await swift[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #configure(): void {
    const { folder } = this;
    const write = (name: string, ...lines: string[]) =>
      writeFileSync(join(folder, name), lines.join('\n') + '\n');
    for (let device = 0; device < REPLICAS; device++)
      mkdirSync(join(folder, 'srv', `d${device}`), { recursive: true });
    write('swift.conf', '[swift-hash]', 'swift_hash_path_suffix = a', '[storage-policy:0]', 'name = all');
    const common = (port: number) => [
      '[DEFAULT]',
      `swift_dir = ${folder}`,
      'user = root',
      'bind_ip = 127.0.0.1',
      `bind_port = ${port}`,
      'workers = 0',
      'log_level = ERROR',
      'fallocate_reserve = 0',
    ];
    for (const [at, name] of SERVERS.entries())
      write(
        `${name}-server.conf`,
        ...common(this.#port + 1 + at),
        `devices = ${join(folder, 'srv')}`,
        'mount_check = false',
        '[pipeline:main]',
        `pipeline = ${name}-server`,
        `[app:${name}-server]`,
        `use = egg:swift#${name}`,
      );
    write(
      'proxy-server.conf',
      ...common(this.#port),
      '[pipeline:main]',
      `pipeline = ${PIPELINE}`,
      '[app:proxy-server]',
      'use = egg:swift#proxy',
      'account_autocreate = true',
      'node_timeout = 60',
      '[filter:cache]',
      'use = egg:swift#memcache',
      `memcache_servers = 127.0.0.1:${this.#port + 4}`,
      ...FILTERS.flatMap(([name, use, ...more]) => [`[filter:${name}]`, `use = egg:swift#${use}`, ...more]),
    );
    const first = String(this.#port + 1);
    execFileSync('/usr/bin/python3', ['-c', RINGS, folder, String(REPLICAS), first, ...SERVERS]);
  }

  async #launch(): Promise<void> {
    const memory = ['-u', 'root', '-l', '127.0.0.1', '-p', String(this.#port + 4), '-U', '0', '-m', '64'];
    this.#children.push(spawn('memcached', memory, { stdio: 'ignore' }));
    let said = '';
    for (const name of [...SERVERS, 'proxy']) {
      const args = ['-c', SERVER, this.folder, `${name}-server`];
      const child = spawn('/usr/bin/python3', args, { stdio: ['ignore', 'pipe', 'pipe'] });
      const hear = (chunk: Buffer): void => {
        said = (said + chunk.toString()).slice(-10_000);
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      this.#children.push(child);
    }
    const deadlineMs = performance.now() + START_MS_MAX;
    for (;;) {
      if (await this.#answers()) return;
      if (performance.now() > deadlineMs) throw new Error(`Swift does not serve: ${said}`);
      await sleep(200);
    }
  }

  /** Whether a container can be made: every server is needed for that. */
  async #answers(): Promise<boolean> {
    try {
      const user = { 'x-auth-user': 'test:tester', 'x-auth-key': 'testing' };
      const auth = await fetch(`${this.endpoint}/auth/v1.0`, { headers: user });
      const headers = { 'x-auth-token': auth.headers.get('x-auth-token') ?? '' };
      const url = `${auth.headers.get('x-storage-url') ?? ''}/ready`;
      const made = await fetch(url, { method: 'PUT', headers });
      const stored = await fetch(`${url}/one`, { method: 'PUT', headers, body: 'one' });
      for (const path of [`${url}/one`, url]) await fetch(path, { method: 'DELETE', headers });
      return made.ok && stored.ok;
    } catch {
      return false;
    }
  }
}
