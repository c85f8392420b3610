/** What a group of tests has to say while it runs, and its line at the end. */
import { relative } from 'node:path';
import { inspect } from 'node:util';
import type { CommandIo } from '#common/command-line.ts';
import type { Tally } from './tally.ts';

export interface GroupRun {
  readonly root: string;
  readonly group: string;
  readonly files: readonly string[];
  /** Processes at the same time. */
  readonly concurrency: number;
}

/** What node:test tells of a test that has ended, as far as it is needed here. */
export interface TestEnd {
  readonly name: string;
  readonly file?: string;
  readonly skip?: string | boolean;
  readonly details: { readonly duration_ms: number; readonly type?: string; readonly error?: Error };
}

export class GroupReport {
  readonly #run: GroupRun;
  readonly #tally: Tally;
  readonly #io: CommandIo;
  readonly #startedMs = performance.now();
  readonly #before: { readonly passed: number; readonly failed: number };

  constructor(run: GroupRun, tally: Tally, io: CommandIo) {
    this.#run = run;
    this.#tally = tally;
    this.#io = io;
    this.#before = { passed: tally.passed, failed: tally.failed };
  }

  passed(isSkipped: boolean): void {
    if (isSkipped) this.#tally.skipped += 1;
    else this.#tally.passed += 1;
    this.#say();
  }

  /** `text` is all there is to know; `path` is the test's file, or undefined where none is to blame. */
  failed(path: string | undefined, name: string, text: string): void {
    const file = path === undefined ? this.#run.group : relative(this.#run.root, path);
    this.#tally.failures.push({ file, name, text });
    this.#clear();
    this.#io.out.write(`  failed: ${file}: ${name}\n`);
    this.#say();
  }

  close(): void {
    this.#clear();
    const { group, files } = this.#run;
    const seconds = ((performance.now() - this.#startedMs) / 1000).toFixed(1);
    this.#io.out.write(`${group}: ${this.#counts()}, ${files.length} files, ${seconds} s\n`);
  }

  #counts(): string {
    const { passed, failed } = this.#tally;
    return `${passed - this.#before.passed} passed, ${failed - this.#before.failed} failed`;
  }

  #say(): void {
    if (this.#io.err.isTTY === true) this.#io.err.write(`\r\x1b[K${this.#run.group}: ${this.#counts()}`);
  }

  #clear(): void {
    if (this.#io.err.isTTY === true) this.#io.err.write('\r\x1b[K');
  }
}

export function isSkipped(event: TestEnd): boolean {
  return event.skip !== undefined && event.skip !== false;
}

/** A suite fails because a test of it has, which has been told. */
export function isToldAlready({ details }: TestEnd): boolean {
  const error = details.error as { failureType?: string } | undefined;
  return details.type === 'suite' && error?.failureType === 'subtestsFailed';
}

export function describeError(error: Error | undefined): string {
  const cause = error?.cause ?? error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
}
