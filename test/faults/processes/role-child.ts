/** One role in a process of its own, as `holdfast serve` runs it, without a supervisor: the test decides when it dies and when it starts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RoleName } from '#common/config/role-config.ts';

const PROGRAM = fileURLToPath(new URL('../../../console/cli/main.ts', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/holdfast', import.meta.url));
const START_MS_MAX = 60_000;
/** What is kept of the log for whoever has to find out what happened. */
const OUTPUT_CHARACTERS_MAX = 200_000;

export class RoleChild {
  readonly role: RoleName;
  readonly name: string;
  readonly #configFile: string;
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  #output = '';
  #serves = false;
  /** Segments of its devices' logs that its processes have compacted. */
  compactions = 0;

  constructor(role: RoleName, name: string, configFile: string) {
    this.role = role;
    this.name = name;
    this.#configFile = configFile;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** What all its processes have logged, the newest last. */
  get output(): string {
    return this.#output;
  }

  /** Starts a process, which must not run yet; does not wait until it serves. */
  spawn(): void {
    if (this.#child !== undefined) throw new Error(`${this.name} runs`);
    const args = ['--disable-warning=ExperimentalWarning', PROGRAM, 'serve', this.role];
    const child = spawn(process.execPath, [...args, '--config', this.#configFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: CACHE, MALLOC_ARENA_MAX: '2' },
    });
    this.#child = child;
    this.#serves = false;
    const hear = (chunk: Buffer): void => {
      const text = chunk.toString();
      this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS_MAX);
      if (text.includes('"message":"serving"')) this.#serves = true;
      this.compactions += text.split('"message":"segment-compacted"').length - 1;
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    this.#gone = new Promise((resolve) => {
      child.once('close', () => {
        this.#child = undefined;
        resolve();
      });
    });
  }

  /** Starts it and resolves when it serves; throws when it ends before, with what it has logged. */
  async start(): Promise<void> {
    this.spawn();
    const child = this.#child as ChildProcess;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#failure('does not serve in time')), START_MS_MAX);
      const look = (): void => {
        if (!this.#serves) return;
        clearTimeout(timer);
        child.stdout?.off('data', look);
        resolve();
      };
      child.stdout?.on('data', look);
      child.once('close', () => {
        clearTimeout(timer);
        reject(this.#failure('has ended before it served'));
      });
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Asks it to end; resolves when it has. */
  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    await this.#gone;
  }

  /** Resolves when no process is left. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#gone;
  }

  #failure(what: string): Error {
    return new Error(`${this.name} ${what}:\n${this.#output.slice(-4000)}`);
  }
}
