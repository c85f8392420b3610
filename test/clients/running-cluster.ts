/** A cluster brought up by the launcher, as a user does it, and commands run against it with its admin.env. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(new URL('../../holdfast', import.meta.url));
const START_MS_MAX = 120_000;
const STOP_MS_MAX = 30_000;
const STATUS_MS_MAX = 60_000;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessStatus {
  readonly role: string;
  readonly name: string;
  readonly pid: number;
}

export class RunningCluster {
  /** A folder for the test's own files, removed with the cluster. */
  readonly folder: string;
  readonly portOffset: number;
  env: NodeJS.ProcessEnv = {};
  #up: ChildProcess | undefined;
  #output = '';

  readonly #configuration: string;

  private constructor(folder: string, portOffset: number, configuration: string) {
    this.folder = folder;
    this.portOffset = portOffset;
    this.#configuration = configuration;
  }

  /**
   * @param portOffset different in every test file: files may run side by side.
   * @param configuration of the cluster, YAML.
   */
  static async start(portOffset: number, configuration = ''): Promise<RunningCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-clients-'));
    const cluster = new RunningCluster(folder, portOffset, configuration);
    await cluster.up();
    return cluster;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${8080 + this.portOffset}`;
  }

  get dataDirectory(): string {
    return join(this.folder, 'data');
  }

  /** Starts, or starts again over the same data. */
  async up(): Promise<void> {
    this.#output = '';
    const file = join(this.folder, 'holdfast.yaml');
    await writeFile(file, this.#configuration);
    const args = ['up', '--config', file, '--data', this.dataDirectory];
    args.push('--port-offset', String(this.portOffset));
    const up = spawn(LAUNCHER, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#up = up;
    const ready = new Promise<void>((resolve, reject) => {
      const deadline = setTimeout(
        () => reject(new Error(`not ready in time:\n${this.#output}`)),
        START_MS_MAX,
      );
      const hear = (chunk: Buffer): void => {
        this.#output += chunk.toString();
        if (!/^holdfast: ready$/m.test(this.#output)) return;
        clearTimeout(deadline);
        resolve();
      };
      up.stdout.on('data', hear);
      up.stderr.on('data', hear);
      up.once('close', (code) => {
        clearTimeout(deadline);
        reject(new Error(`holdfast up ended with ${code}:\n${this.#output}`));
      });
    });
    await ready;
    const adminEnv = await readFile(join(this.dataDirectory, 'credentials', 'admin.env'), 'utf8');
    const variables = [...adminEnv.matchAll(/^export ([A-Z_]+)='?([^'\n]*)'?$/gm)];
    // Nothing that whoever runs the test has set up for another cloud.
    const own = Object.entries(process.env).filter(([name]) => !/^(AWS|RCLONE|ST|OS)_|_proxy$/i.test(name));
    this.env = {
      ...Object.fromEntries(own),
      ...Object.fromEntries(variables.map(([, name, value]) => [name, value])),
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: this.folder,
      AWS_CONFIG_FILE: '/dev/null',
      RCLONE_CONFIG: join(this.folder, 'rclone.conf'),
    };
  }

  /** Ctrl-C. Resolves to the exit code. */
  async stop(): Promise<number | null> {
    const up = this.#up;
    if (up === undefined || up.exitCode !== null) return up?.exitCode ?? null;
    const exited = new Promise<number | null>((resolve) => up.once('exit', resolve));
    up.kill('SIGINT');
    const deadline = setTimeout(() => up.kill('SIGKILL'), STOP_MS_MAX);
    const code = await exited;
    clearTimeout(deadline);
    return code;
  }

  async processes(): Promise<readonly ProcessStatus[]> {
    const words = [
      'status',
      '--json',
      '--data',
      this.dataDirectory,
      '--port-offset',
      String(this.portOffset),
    ];
    const deadlineMs = Date.now() + STATUS_MS_MAX;
    for (;;) {
      const { code, stdout, stderr } = await this.attempt(LAUNCHER, words);
      if (code === 0) return (JSON.parse(stdout) as { processes: ProcessStatus[] }).processes;
      // A busy machine may keep it from an answer for a while.
      if (Date.now() > deadlineMs) throw new Error(`status ended with ${code}:\n${stdout}${stderr}`);
    }
  }

  /** kill -9 of the process of that name; resolves at once. */
  async kill(name: string): Promise<void> {
    const deadlineMs = Date.now() + STATUS_MS_MAX;
    for (;;) {
      const pid = (await this.processes()).find((process) => process.name === name)?.pid;
      // One that is being started again has none.
      if (pid !== undefined && pid > 0) return void process.kill(pid, 'SIGKILL');
      if (Date.now() > deadlineMs) throw new Error(`no process is called ${name}`);
    }
  }

  /** Runs a client to its end. Throws when it fails, with all that it said. */
  async run(command: string, args: readonly string[], input?: string): Promise<Finished> {
    const finished = await this.attempt(command, args, input);
    if (finished.code !== 0) {
      throw new Error(
        `${command} ${args.join(' ')} ended with ${finished.code}:\n${finished.stdout}${finished.stderr}`,
      );
    }
    return finished;
  }

  /** Runs a client to its end, whatever that is. */
  attempt(command: string, args: readonly string[], input = ''): Promise<Finished> {
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        env: this.env,
        cwd: this.folder,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, stdout, stderr }));
      // A program that reads nothing may have ended before it is written to: how it went, its exit tells.
      child.stdin.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') reject(error);
      });
      child.stdin.end(input);
    });
  }

  /** The project's own command. */
  holdfast(...args: string[]): Promise<Finished> {
    return this.run(LAUNCHER, args);
  }

  aws(...args: string[]): Promise<Finished> {
    return this.run('aws', args);
  }

  /** Runs a Python program with boto3's client as `s3`. Debian's boto3 knows no AWS_ENDPOINT_URL. */
  python(program: string): Promise<Finished> {
    const prelude = `import boto3, os, sys
from botocore.config import Config
from botocore.exceptions import ClientError
s3 = boto3.client('s3', endpoint_url=os.environ['AWS_ENDPOINT_URL'], config=Config(max_pool_connections=64, signature_version='s3v4'))
`;
    return this.run('/usr/bin/python3', ['-'], prelude + program);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
