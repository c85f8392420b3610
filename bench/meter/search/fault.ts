/** A command that does something to the storage while it is measured: kills a node, takes a disk out, starts a rebuild. */
import { spawn } from 'node:child_process';

const OUTPUT_CHARACTERS_MAX = 400;
const WAIT_MS_MAX = 60_000;
const OUTPUT_MS_MAX = 500;

export interface FaultOutcome {
  readonly command: string;
  readonly exitCode: number | null;
  /** The end of what it said. */
  readonly output: string;
}

/** What a command is called in a table: the comment at its end, or all of it. */
export function faultName(command: string): string {
  return /\s#\s*([^#\n]+?)\s*$/.exec(command)?.[1] ?? command;
}

/** Runs `sh -c command`; resolves when it has ended, or after a minute: then it goes on by itself. */
export function runFault(command: string): Promise<FaultOutcome> {
  return new Promise((resolve) => {
    // In a process group of its own: the Ctrl-C that ends the search must not end what puts the storage right.
    const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    const finish = (exitCode: number | null): void => {
      clearTimeout(limit);
      resolve({ command, exitCode, output: output.trim().slice(-OUTPUT_CHARACTERS_MAX) });
    };
    const limit = setTimeout(() => finish(null), WAIT_MS_MAX);
    const hear = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-2 * OUTPUT_CHARACTERS_MAX);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', () => finish(null));
    // What it leaves running in the background may hold its output open: the rest is not waited for.
    child.once('exit', (code) => setTimeout(() => finish(code), OUTPUT_MS_MAX));
    child.once('close', (code) => finish(code));
  });
}
