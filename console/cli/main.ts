/** The program `holdfast`: finds the command, runs it, and ends with its exit code. */
import { enableCompileCache } from 'node:module';
import type { CommandIo } from '#common/command-line.ts';

// Compiling takes a good part of a start; the cache is Node's own, in the system's temporary folder.
enableCompileCache();

const abort = new AbortController();
const io: CommandIo = { out: process.stdout, err: process.stderr, env: process.env, signal: abort.signal };

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Asked a second time, it ends at once; role processes follow, because their channel closes.
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  });
}

const { runProgram } = await import('./program.ts');
process.exit(await runProgram(process.argv.slice(2), io));
