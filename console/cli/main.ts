/** The program `holdfast`: finds the command, runs it, and ends with its exit code. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { CommandIo } from '#common/command-line.ts';

// Compiling takes a good part of a start. The cache stands within the installation: in a shared temporary folder, another
// user could put code of theirs into it. Where it cannot be written, there is none. The launcher of a clone has named it
// in NODE_COMPILE_CACHE already, which reaches this file, too, and spares the process the compiler of TypeScript.
if (process.env['NODE_COMPILE_CACHE'] === undefined) {
  enableCompileCache(fileURLToPath(new URL('../../../.cache/holdfast', import.meta.url)));
}

const HOUR_MS = 3_600_000;

const abort = new AbortController();
const io: CommandIo = { out: process.stdout, err: process.stderr, env: process.env, signal: abort.signal };

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Asked a second time, it ends at once; role processes follow, because their channel closes.
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  });
}

// A command ends when it says so. Nothing that it waits for needs to hold the process: the clock's timers do not, nor does
// a connection between two attempts; without this one, a proxy that waits for control would end in silence.
setInterval(() => undefined, HOUR_MS);

const { runProgram } = await import('./program.ts');
process.exit(await runProgram(process.argv.slice(2), io));
