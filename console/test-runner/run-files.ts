/** Runs test files by node:test, each in a process of its own, and tells how it goes. */
import { run } from 'node:test';
import { inspect } from 'node:util';
import { relative } from 'node:path';
import type { CommandIo } from '#common/command-line.ts';
import type { Tally } from './tally.ts';

/** A file that takes longer hangs. */
const FILE_MS_MAX = 900_000;

interface Reported {
  readonly name: string;
  readonly file?: string;
  readonly skip?: string | boolean;
  readonly details: { readonly duration_ms: number; readonly type?: string; readonly error?: Error };
}

export interface FilesToRun {
  readonly root: string;
  readonly group: string;
  readonly files: readonly string[];
  readonly concurrency: number;
  /** Only tests whose names match. */
  readonly namePattern?: RegExp;
}

export async function runFiles(toRun: FilesToRun, tally: Tally, io: CommandIo): Promise<void> {
  const { root, group, files, concurrency, namePattern } = toRun;
  const before = { passed: tally.passed, failed: tally.failed };
  const startedMs = performance.now();
  const say = (): void => {
    if (io.err.isTTY !== true) return;
    const line = `${group}: ${tally.passed - before.passed} passed, ${tally.failed - before.failed} failed`;
    io.err.write(`\r\x1b[K${line}`);
  };
  const stream = run({
    files: [...files],
    cwd: root,
    concurrency,
    timeout: FILE_MS_MAX,
    signal: io.signal,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    ...(namePattern === undefined ? {} : { testNamePatterns: [namePattern] }),
  });
  stream.on('test:pass', (event: Reported) => {
    if (event.details.type === 'suite') return;
    if (event.skip !== undefined && event.skip !== false) tally.skipped += 1;
    else tally.passed += 1;
    say();
  });
  stream.on('test:fail', (event: Reported) => {
    // A suite fails because a test of it has, which has been told.
    if (event.details.type === 'suite' && causeIsSubtest(event)) return;
    const file = event.file === undefined ? group : relative(root, event.file);
    tally.failures.push({ file, name: event.name, text: describeError(event.details.error) });
    if (io.err.isTTY === true) io.err.write('\r\x1b[K');
    io.out.write(`  failed: ${file}: ${event.name}\n`);
    say();
  });
  for await (const _ of stream.compose(async function* drain(events: AsyncIterable<unknown>) {
    for await (const event of events) yield event;
  })) {
    // The listeners above do the work; the stream has to be read to its end.
  }
  if (io.err.isTTY === true) io.err.write('\r\x1b[K');
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const failed = tally.failed - before.failed;
  io.out.write(
    `${group}: ${tally.passed - before.passed} passed, ${failed} failed, ${files.length} files, ${seconds} s\n`,
  );
}

function causeIsSubtest(event: Reported): boolean {
  const error = event.details.error as { failureType?: string } | undefined;
  return error?.failureType === 'subtestsFailed';
}

function describeError(error: Error | undefined): string {
  const cause = error?.cause ?? error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
}
