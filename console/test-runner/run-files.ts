/** Runs test files by node:test, each in a process of its own, and tells how it goes. */
import { run } from 'node:test';
import type { CommandIo } from '#common/command-line.ts';
import {
  describeError,
  GroupReport,
  type GroupRun,
  isSkipped,
  isToldAlready,
  type TestEnd,
} from './group-report.ts';
import type { Tally } from './tally.ts';

/** A file that takes longer hangs. */
export const FILE_MS_MAX = 900_000;

export interface FilesToRun extends GroupRun {
  /** Only tests whose names match. */
  readonly namePattern?: RegExp;
}

export async function runFiles(toRun: FilesToRun, tally: Tally, io: CommandIo): Promise<void> {
  const { root, files, concurrency, namePattern } = toRun;
  const report = new GroupReport(toRun, tally, io);
  const stream = run({
    files: [...files],
    cwd: root,
    concurrency,
    timeout: FILE_MS_MAX,
    signal: io.signal,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    ...(namePattern === undefined ? {} : { testNamePatterns: [namePattern] }),
  });
  stream.on('test:pass', (event: TestEnd) => {
    if (event.details.type !== 'suite') report.passed(isSkipped(event));
  });
  stream.on('test:fail', (event: TestEnd) => {
    if (!isToldAlready(event)) report.failed(event.file, event.name, describeError(event.details.error));
  });
  for await (const _ of stream.compose(async function* drain(events: AsyncIterable<unknown>) {
    for await (const event of events) yield event;
  })) {
    // The listeners above do the work; the stream has to be read to its end.
  }
  report.close();
}
