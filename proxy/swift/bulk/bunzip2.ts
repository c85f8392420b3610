/**
 * bzip2, unpacked by a child process: Debian's `bzip2`. The decoders on npm decode a whole block at once (up to 46 MB)
 * on the thread that serves everybody, and take no back-pressure. A child has 4 MiB, a pipe on each side, and dies with
 * its archive.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { ArchiveError } from './archive-error.ts';

/** Errors with ArchiveError when the input is no bzip2, is truncated, or the program is not installed. */
export class Bunzip2 extends Duplex {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;

  constructor() {
    super();
    const child = spawn('bzip2', ['--decompress', '--stdout'], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child = child;
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    // The end of the output says nothing: only the exit status tells whether the input was whole.
    child.on('close', (code) => {
      if (code === 0) this.push(null);
      else this.destroy(new ArchiveError('not a valid bzip2 stream'));
    });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === 'ENOENT';
      const detail = missing ? 'bzip2 is not installed on this server' : 'bzip2 failed';
      this.destroy(new ArchiveError(detail, { cause }));
    });
    // A broken pipe: the child has gone, and its exit status tells why.
    child.stdin.on('error', () => {});
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill('SIGKILL');
    done(error);
  }
}
