/**
 * The program that runs one test file after another in one process, as its parent names them (`run-together.ts`).
 *
 * Loading what a file tests takes longer than most files do, and is done once here. Each file is a suite, so that its hooks
 * are its own; what it would leave to the next one in the process itself is a failure of the file that left it.
 */
import { after, suite } from 'node:test';
import { changesOf, processState } from './process-state.ts';

/** What the parent asks for: a file, or to come to an end. */
export type ToSharedProcess = { readonly file: string } | { readonly end: true };

/** A process that has nothing to do is gone at once; one that is still there has something open that no test closed. */
const END_MS_MAX = 30_000;

function runFile(file: string): void {
  suite(file, async () => {
    const before = processState();
    await import(file);
    // Registered behind the file's own hooks, and so called behind them.
    after(() => {
      const changes = changesOf(before, processState());
      if (changes.length > 0) throw new Error(`it leaves to whatever runs after it: ${changes.join(', ')}`);
    });
  });
}

function end(): void {
  process.removeAllListeners('message');
  process.channel?.unref();
  setTimeout(() => {
    process.stderr.write(
      `still open when all tests had ended: ${process.getActiveResourcesInfo().join(', ')}\n`,
    );
    process.exit(1);
  }, END_MS_MAX).unref();
}

process.on('message', (message: ToSharedProcess) => {
  if ('file' in message) runFile(message.file);
  else end();
});
process.on('disconnect', () => process.exit(1));
