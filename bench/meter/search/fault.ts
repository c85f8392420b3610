/** A command that does something to the storage while it is measured: kills a node, takes a disk out, starts a rebuild. */
import { spawn } from 'node:child_process';

const OUTPUT_CHARACTERS_MAX = 400;
const OUTPUT_MS_MAX = 500;

export interface FaultOutcome {
  readonly command: string;
  /** Null when it could not be started or was killed. */
  readonly exitCode: number | null;
  /** The end of what it said. */
  readonly output: string;
  /** From its start to its end. */
  readonly tookMs: number;
}

/** What a command is called in a table: the comment at its end, or all of it. */
export function faultName(command: string): string {
  return /\s#\s*([^#\n]+?)\s*$/.exec(command)?.[1] ?? command;
}

/**
 * Runs `sh -c command`; resolves when it has ended, however long that takes: what comes next would measure a storage to
 * which something is still being done.
 *
 * @param signal ends it, with all that it has started in its process group.
 */
export function runFault(command: string, signal?: AbortSignal): Promise<FaultOutcome> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    // In a process group of its own: the Ctrl-C that ends the search must not end what puts the storage right.
    const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    let tookMs: number | undefined;
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      } catch {
        // It has ended meanwhile.
      }
    };
    signal?.addEventListener('abort', kill);
    if (signal?.aborted === true) kill();
    const ended = (): void => {
      tookMs ??= Math.round(performance.now() - startedMs);
    };
    const finish = (exitCode: number | null): void => {
      ended();
      signal?.removeEventListener('abort', kill);
      const said = output.trim().slice(-OUTPUT_CHARACTERS_MAX);
      resolve({ command, exitCode, output: said, tookMs: tookMs ?? 0 });
    };
    const hear = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-2 * OUTPUT_CHARACTERS_MAX);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', () => finish(null));
    child.once('exit', (code) => {
      ended();
      // What it leaves running in the background may hold its output open: the rest is not waited for.
      setTimeout(() => finish(code), OUTPUT_MS_MAX);
    });
    child.once('close', (code) => finish(code));
  });
}
