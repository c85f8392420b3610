/** Debian's etcd, of one member or several, on free ports of this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { standStill } from '../house/stand-still.ts';

const START_MS_MAX = 30_000;

interface Member {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
  process: ChildProcess | undefined;
}

export interface EtcdTls {
  readonly authorityFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

export class RunningEtcd {
  readonly #folder: string;
  readonly #members: readonly Member[];
  readonly #tls: EtcdTls | undefined;

  private constructor(folder: string, members: readonly Member[], tls: EtcdTls | undefined) {
    this.#folder = folder;
    this.#members = members;
    this.#tls = tls;
  }

  static async start(count: number, tls?: EtcdTls): Promise<RunningEtcd> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-etcd-'));
    const ports = await freePorts(count * 2);
    const members = Array.from({ length: count }, (_, at) => ({
      name: `m${at}`,
      clientPort: ports[at * 2] as number,
      peerPort: ports[at * 2 + 1] as number,
      process: undefined,
    }));
    const etcd = new RunningEtcd(folder, members, tls);
    try {
      await Promise.all(members.map((_, at) => etcd.restart(at)));
    } catch (error) {
      await etcd.stop();
      throw error;
    }
    return etcd;
  }

  get endpoints(): string[] {
    return this.#members.map(({ clientPort }) => `${this.#scheme}://127.0.0.1:${clientPort}`);
  }

  get ports(): number[] {
    return this.#members.map(({ clientPort }) => clientPort);
  }

  /** Starts a member that is not running, and waits until it serves clients. */
  async restart(at: number): Promise<void> {
    const member = this.#members[at] as Member;
    const child = spawn('etcd', this.#args(member), { stdio: ['ignore', 'pipe', 'pipe'] });
    member.process = child;
    let log = '';
    const ready = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`etcd did not start: ${log}`)), START_MS_MAX);
      const look = (chunk: Buffer): void => {
        if (log.length < 1_000_000) log += chunk.toString();
        if (!/ready to serve client requests|serving (?:insecure )?client/i.test(log)) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      child.on('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`etcd ended with ${code}: ${log}`));
      });
      child.on('error', reject);
    });
    await ready;
  }

  /** Kills a member at once, as a power cut does. */
  async kill(at: number): Promise<void> {
    const member = this.#members[at] as Member;
    const child = member.process;
    member.process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Stops a member with its connections open; a thread that still ran could answer what is asked next. */
  standStill(at: number): Promise<void> {
    return standStill(this.#pid(at));
  }

  goOn(at: number): void {
    process.kill(this.#pid(at), 'SIGCONT');
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((_, at) => this.kill(at)));
    await rm(this.#folder, { recursive: true });
  }

  #pid(at: number): number {
    const pid = this.#members[at]?.process?.pid;
    if (pid === undefined) throw new Error(`etcd ${at} does not run`);
    return pid;
  }

  get #scheme(): string {
    return this.#tls === undefined ? 'http' : 'https';
  }

  #args({ name, clientPort, peerPort }: Member): string[] {
    const client = `${this.#scheme}://127.0.0.1:${clientPort}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    const members = this.#members.map((other) => `${other.name}=http://127.0.0.1:${other.peerPort}`);
    const args = ['--name', name, '--data-dir', join(this.#folder, name)];
    args.push('--listen-client-urls', client, '--advertise-client-urls', client);
    args.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer);
    args.push('--initial-cluster', members.join(','), '--initial-cluster-state', 'new');
    // A test does not wait as long for a new leader as a cloud does.
    args.push('--heartbeat-interval', '50', '--election-timeout', '500', '--logger', 'zap');
    if (this.#tls !== undefined) {
      args.push('--cert-file', this.#tls.certificateFile, '--key-file', this.#tls.keyFile);
      args.push('--trusted-ca-file', this.#tls.authorityFile, '--client-cert-auth');
    }
    return args;
  }
}

/**
 * Below those that Linux gives to connections (ip_local_port_range, 32768 and up), and another hundred for another test process: a
 * member that is down for a while finds its port free when it comes back.
 */
const PORTS_FROM = 27_000 + (process.pid % 50) * 100;
let portNext = PORTS_FROM + randomInt(100);

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries === 100) throw new Error(`no ports are free from ${PORTS_FROM} on`);
    portNext = PORTS_FROM + ((portNext + 1 - PORTS_FROM) % 100);
    if (await isFree(portNext)) ports.push(portNext);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}
