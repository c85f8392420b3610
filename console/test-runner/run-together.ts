/** Runs test files by node:test, many in one process, and tells how it goes. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CommandIo } from '#common/command-line.ts';
import type { FromSharedProcess } from './event-reporter.ts';
import { GroupReport, type GroupRun } from './group-report.ts';
import { FILE_MS_MAX } from './run-files.ts';
import type { ToSharedProcess } from './shared-process.ts';
import type { Tally } from './tally.ts';

const PROGRAM = fileURLToPath(new URL('shared-process.ts', import.meta.url));
const REPORTER = new URL('event-reporter.ts', import.meta.url).href;
/** Of what a process wrote, that much of the end is shown when it dies. */
const OUTPUT_CHARACTERS_MAX = 16_384;

/**
 * As many processes as `concurrency` take the files in their order. A file that kills its process, or hangs, fails; the
 * files behind it go on in a new one.
 */
export async function runTogether(toRun: GroupRun, tally: Tally, io: CommandIo): Promise<void> {
  const report = new GroupReport(toRun, tally, io);
  const waiting = [...toRun.files];
  const takeTurns = async (): Promise<void> => {
    while (waiting.length > 0 && !io.signal.aborted)
      await new SharedProcess(toRun.root, report, io.signal).run(waiting);
  };
  await Promise.all(Array.from({ length: toRun.concurrency }, takeTurns));
  report.close();
}

class SharedProcess {
  readonly #report: GroupReport;
  readonly #signal: AbortSignal;
  readonly #child: ChildProcess;
  readonly #remarks: string[] = [];
  #output = '';
  #file: string | undefined;
  #ended: (() => void) | undefined;
  #anyFailed = false;

  constructor(root: string, report: GroupReport, signal: AbortSignal) {
    this.#report = report;
    this.#signal = signal;
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    this.#child = fork(PROGRAM, {
      cwd: root,
      env,
      execArgv: [
        '--disable-warning=ExperimentalWarning',
        `--test-reporter=${REPORTER}`,
        '--test-reporter-destination=stdout',
      ],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child.on('message', (message: FromSharedProcess) => this.#take(message));
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS_MAX);
      });
  }

  /** Takes files from the front of `waiting` until none is left or this process is dead. */
  async run(waiting: string[]): Promise<void> {
    const done: string[] = [];
    const kill = (): unknown => this.#child.kill('SIGKILL');
    this.#signal.addEventListener('abort', kill);
    const closed = once(this.#child, 'close') as Promise<[number | null, string | null]>;
    let isAlive = true;
    const death = closed.then(() => {
      isAlive = false;
    });
    for (let file = waiting.shift(); file !== undefined; file = isAlive ? waiting.shift() : undefined) {
      const hangs = setTimeout(kill, FILE_MS_MAX);
      await Promise.race([this.#runFile(file), death]);
      clearTimeout(hangs);
      done.push(file);
    }
    if (isAlive) this.#send({ end: true });
    const [code, killedBy] = await closed;
    this.#signal.removeEventListener('abort', kill);
    if ((code === 0 && this.#file === undefined) || this.#signal.aborted) return;
    const how = killedBy === null ? `ended with exit code ${code}` : `was killed by ${killedBy}`;
    // Remarks name the tests that they are about.
    const text = [`The process ${how}.`, ...this.#remarks, this.#output].join('\n');
    if (this.#file !== undefined) this.#report.failed(this.#file, 'the process of the tests', text);
    else if (!this.#anyFailed)
      this.#report.failed(undefined, 'all of the process', `${text}\n${done.join('\n')}`);
  }

  #runFile(file: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#file = file;
    this.#ended = resolve;
    this.#send({ file });
    return promise;
  }

  #take(message: FromSharedProcess): void {
    if (message.type === 'passed') this.#report.passed(message.skipped);
    else if (message.type === 'failed') {
      this.#anyFailed = true;
      this.#report.failed(this.#file, message.name, message.text);
    } else if (message.type === 'remark') this.#remarks.push(message.text);
    else if (message.file === this.#file) {
      this.#file = undefined;
      this.#ended?.();
    }
  }

  #send(message: ToSharedProcess): void {
    // An error here is that of a process that is dead, which is seen by its end.
    this.#child.send(message, () => {});
  }
}
