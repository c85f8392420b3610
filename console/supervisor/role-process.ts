/** One role's process as its supervisor sees it: started, asked, restarted when it dies, stopped. */
import { type ChildProcess, fork } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ListenHandle } from '#common/config/role-control.ts';
import type { RoleName } from '#common/config/role-config.ts';
import { errorText, HoldfastError } from '#common/errors.ts';
import { RestartPolicy } from './restart-policy.ts';
import type { FromRole, ToRole } from './role-messages.ts';
import type { RotatingFile } from './rotating-file.ts';

export const STOP_MS_MAX = 10_000;
/** Between two tries to start a process where the system has none to give. */
const AGAIN_MS = 1000;
export const STATUS_MS_MAX = 2_000;
/** Questions to one process that wait for their answer. */
export const QUESTIONS_MAX = 64;

export type ProcessState = 'starting' | 'ready' | 'restarting' | 'stopping' | 'stopped';

export interface RoleProcessOptions {
  readonly role: RoleName;
  readonly name: string;
  readonly configFile: string;
  readonly pidFile: string;
  readonly log: RotatingFile;
  /** The socket it accepts on, when the supervisor holds it. */
  readonly listener?: ListenHandle;
  /** Told of every death and of every restart, as a sentence. */
  readonly report: (event: string) => void;
}

interface Question {
  readonly resolve: (status: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** The program itself, as source or compiled: whichever this file is. */
const PROGRAM = fileURLToPath(new URL(`../cli/main${import.meta.url.slice(-3)}`, import.meta.url));

/**
 * A proxy reads bodies in fresh buffers of 64 KiB that live as long as their turn. In V8's default young generation of
 * 48 MiB they pile up outside the heap to some 40 MiB before a collection. In one of 6 MiB many outlive a collection, and then pile
 * up to 55 MiB until the old generation is collected; and small writes, whose rows wait 100 ms for the index, pay a tenth
 * more for being carried there. In one of 24 MiB neither happens. (All measured when what was under way still aged in Sets and Maps.)
 */
const CLIENTS_FLAGS = ['--max-semi-space-size=8'];

/**
 * What a role's environment says unless the operator's does.
 *
 * Every thread of a process has memory of its own from the C library, which keeps what was freed: with 32 uploads of
 * 5 GiB a proxy had 225 MiB, and 178 with two such arenas.
 *
 * Four devices that write and sync at once would fill the four threads that file operations have by default, and reads
 * would wait for them: with sixteen a small PUT took a tenth less.
 */
const ENVIRONMENT = { MALLOC_ARENA_MAX: '2', UV_THREADPOOL_SIZE: '16' };

/**
 * Hashing a password takes 19 MiB for some tens of milliseconds. The C library keeps what large blocks were freed, and control
 * had 159 to 179 MiB after eighty logins; with a bound that does not move they are given back, and it had 121. Taken anew in huge pages
 * that costs 66 ms of CPU a login in place of 60, and 78 in small ones.
 */
const CONTROL_ENVIRONMENT = {
  ...ENVIRONMENT,
  MALLOC_MMAP_THRESHOLD_: '131072',
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
};

export class RoleProcess {
  readonly role: RoleName;
  readonly name: string;
  readonly #options: RoleProcessOptions;
  readonly #policy = new RestartPolicy();
  readonly #questions = new Map<number, Question>();
  #child: ChildProcess | undefined;
  #state: ProcessState = 'starting';
  #ports: readonly number[] = [];
  #restarts = 0;
  #startedMs = 0;
  #lastQuestion = 0;
  #restart: NodeJS.Timeout | undefined;
  #failure: { readonly text: string; readonly code: string | undefined } | undefined;
  #firstReady = Promise.withResolvers<void>();
  #everReady = false;

  constructor(options: RoleProcessOptions) {
    this.#options = options;
    this.role = options.role;
    this.name = options.name;
    this.#firstReady.promise.catch(() => {});
  }

  get state(): ProcessState {
    return this.#state;
  }
  get pid(): number | undefined {
    return this.#child?.pid;
  }
  get ports(): readonly number[] {
    return this.#ports;
  }
  get restarts(): number {
    return this.#restarts;
  }
  /** Milliseconds since 1970. */
  get startedMs(): number {
    return this.#startedMs;
  }

  /** Resolves when it serves for the first time; rejects, with the system's `code` if there is one, when it cannot. */
  start(): Promise<void> {
    this.#spawn();
    return this.#firstReady.promise;
  }

  /** What the role says of itself. Throws `peer-unavailable` when it does not serve or does not answer in time. */
  status(): Promise<unknown> {
    const child = this.#child;
    if (this.#state !== 'ready' || child === undefined)
      return Promise.reject(unavailable(this.name, this.#state));
    if (this.#questions.size >= QUESTIONS_MAX) return Promise.reject(unavailable(this.name, 'too busy'));
    const id = ++this.#lastQuestion;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#answer(id, unavailable(this.name, 'silent')), STATUS_MS_MAX);
      this.#questions.set(id, { resolve, reject, timer });
      this.#send(child, { type: 'status', id });
    });
  }

  /** Lets it read again which devices it serves; a process that is about to start reads it anyway. */
  tellDevices(): void {
    if (this.#child !== undefined && this.#everReady) this.#send(this.#child, { type: 'devices' });
  }

  /** SIGTERM, then SIGKILL after `STOP_MS_MAX`; resolves when the process is gone, also when there is none. */
  async stop(): Promise<void> {
    clearTimeout(this.#restart);
    this.#state = 'stopping';
    const child = this.#child;
    if (child !== undefined) {
      const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
      child.kill('SIGTERM');
      const timer = setTimeout(() => {
        this.#options.report(
          `${this.name} (pid ${child.pid}) did not stop in ${STOP_MS_MAX / 1000} s: killed`,
        );
        child.kill('SIGKILL');
      }, STOP_MS_MAX);
      await gone;
      clearTimeout(timer);
    }
    this.#state = 'stopped';
    this.#firstReady.reject(unavailable(this.name, 'stopped'));
    this.#options.log.close();
  }

  #spawn(): void {
    const { role, configFile, pidFile, log, listener } = this.#options;
    // In a session of its own: Ctrl-C reaches the supervisor alone, which stops its processes in their order.
    const child = fork(PROGRAM, ['serve', role, '--config', configFile], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [...process.execArgv, ...(role !== 'storage' ? CLIENTS_FLAGS : [])],
      env: { ...(role === 'control' ? CONTROL_ENVIRONMENT : ENVIRONMENT), ...process.env },
    });
    this.#child = child;
    this.#startedMs = Date.now();
    this.#failure = undefined;
    child.stdout?.on('data', (chunk: Buffer) => log.write(chunk));
    child.stderr?.on('data', (chunk: Buffer) => log.write(chunk));
    child.on('message', (message) => this.#receive(child, message as FromRole));
    // A channel or a process that breaks is also reported by 'close', which comes last and once.
    child.on('error', (error) => log.write(`${error.stack}\n`));
    child.once('close', (code, signal) => this.#closed(child, code, signal));
    if (child.pid !== undefined) this.#unhindered(() => writeFileSync(pidFile, `${child.pid}\n`));
    this.#send(child, { type: 'start' }, listener);
  }

  #send(child: ChildProcess, message: ToRole, listener?: ListenHandle): void {
    if (!child.connected) return;
    const failed = (error: Error | null) => {
      if (error !== null) this.#options.log.write(`${error.stack}\n`);
    };
    if (listener === undefined) child.send(message, failed);
    else child.send(message, listener as Parameters<ChildProcess['send']>[1], { keepOpen: true }, failed);
  }

  #receive(child: ChildProcess, message: FromRole): void {
    if (child !== this.#child) return;
    if (message.type === 'failed') this.#failure = { text: message.text, code: message.code };
    else if (message.type === 'status') {
      this.#answer(
        message.id,
        message.error === undefined ? undefined : new Error(message.error),
        message.status,
      );
    } else if (this.#state === 'starting' || this.#state === 'restarting') {
      this.#ports = message.ports;
      this.#state = 'ready';
      if (this.#everReady)
        this.#options.report(
          `${this.name} serves again (pid ${child.pid}, ${Date.now() - this.#startedMs} ms)`,
        );
      this.#everReady = true;
      this.#firstReady.resolve();
    }
  }

  #answer(id: number, error: Error | undefined, status?: unknown): void {
    const question = this.#questions.get(id);
    if (question === undefined) return;
    this.#questions.delete(id);
    clearTimeout(question.timer);
    if (error === undefined) question.resolve(status);
    else question.reject(error);
  }

  #closed(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    this.#unhindered(() => rmSync(this.#options.pidFile, { force: true }));
    for (const id of [...this.#questions.keys()]) this.#answer(id, unavailable(this.name, 'gone'));
    if (this.#state === 'stopping' || this.#state === 'stopped') return;
    const why = this.#failure?.text ?? (signal === null ? `exit code ${code}` : signal);
    // A process that says at its first start that it cannot serve will say so again: the whole start has failed.
    if (!this.#everReady && signal === null) {
      this.#state = 'stopped';
      const error = new HoldfastError('peer-unavailable', `${this.name} did not start: ${why}`);
      this.#firstReady.reject(Object.assign(error, { systemCode: this.#failure?.code }));
      return;
    }
    this.#restartAfter(`${this.name} (pid ${child.pid}) died (${why})`);
  }

  #restartAfter(what: string): void {
    this.#state = 'restarting';
    this.#restarts++;
    const delayMs = this.#policy.delayAfterDeath(Date.now() - this.#startedMs);
    const when = delayMs === 0 ? 'restarting it' : `restarting it in ${(delayMs / 1000).toFixed(2)} s`;
    this.#options.report(`${what}: ${when}`);
    if (delayMs === 0) this.#spawnAgain();
    else this.#restart = setTimeout(() => this.#spawnAgain(), delayMs);
  }

  /** A machine that has no room for another process now is asked again, and does not end the others. */
  #spawnAgain(): void {
    try {
      this.#spawn();
    } catch (error) {
      // As long as a process that dies at once.
      this.#startedMs = Date.now();
      this.#restart = setTimeout(
        () => this.#restartAfter(`${this.name} cannot be started (${errorText(error)})`),
        AGAIN_MS,
      );
    }
  }

  /** Its pid's file is for people: a disk that is full or read-only ends no cluster for it. */
  #unhindered(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#options.report(`${this.name}: ${errorText(error)}`);
    }
  }
}

function unavailable(name: string, state: string): HoldfastError {
  return new HoldfastError('peer-unavailable', `${name} is ${state}`);
}
