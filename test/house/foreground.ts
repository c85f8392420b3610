/** A program in the foreground, as a person at a terminal has it: what it prints, Ctrl-C, and its exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const LAUNCHER = fileURLToPath(new URL('../../holdfast', import.meta.url));
const WAIT_MS_MAX = 120_000;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end, whatever that is. */
export function finish(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
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
  });
}

export function holdfast(...args: string[]): Promise<Finished> {
  return finish(LAUNCHER, args);
}

export class Foreground implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  #output = '';
  #ended = false;
  #heard: (() => void)[] = [];

  constructor(command: string, args: readonly string[], options: RunOptions = {}) {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const hear = (chunk: Buffer): void => {
      this.#output += chunk.toString();
      this.#tell();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    this.#exit = new Promise((resolve) => {
      child.once('error', () => resolve(null));
      child.once('close', (code) => {
        this.#ended = true;
        this.#tell();
        resolve(code);
      });
    });
  }

  get output(): string {
    return this.#output;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the program did not start');
    return this.#child.pid;
  }

  #tell(): void {
    const heard = this.#heard;
    this.#heard = [];
    for (const tell of heard) tell();
  }

  /** Resolves when it has printed what matches; throws when it ends before, or hangs. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    const deadlineMs = performance.now() + WAIT_MS_MAX;
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      const leftMs = deadlineMs - performance.now();
      if (this.#ended || leftMs <= 0) throw new Error(`it did not print ${pattern}:\n${this.#output}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#heard.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves to the exit code when it has ended and its output is read. */
  exit(): Promise<number | null> {
    return this.#exit;
  }

  /** Ctrl-C, and the exit code. */
  async stop(): Promise<number | null> {
    this.kill('SIGINT');
    return await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.stop();
  }
}
