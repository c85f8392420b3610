/** A log file that is set aside when it has grown, so that a talkative process cannot fill the disk. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

export const LOG_BYTES_MAX = 16 * 2 ** 20;
/** Older files that are kept, NAME.1 the youngest. */
export const LOGS_KEPT = 3;

export class RotatingFile {
  readonly #path: string;
  readonly #bytesMax: number;
  #descriptor: number;
  #bytes: number;

  constructor(path: string, bytesMax: number = LOG_BYTES_MAX) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#descriptor = openSync(path, 'a', 0o640);
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  /** Synchronous: what a process said last must be on disk when it has ended. Never throws: a full disk stops no cluster. */
  write(chunk: Uint8Array | string): void {
    try {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      if (this.#bytes > 0 && this.#bytes + bytes.length > this.#bytesMax) this.#rotate();
      this.#bytes += writeSync(this.#descriptor, bytes);
    } catch {
      // There is nowhere left to tell it.
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #rotate(): void {
    for (let number = LOGS_KEPT - 1; number >= 1; number--) {
      try {
        renameSync(`${this.#path}.${number}`, `${this.#path}.${number + 1}`);
      } catch {
        // There are fewer yet.
      }
    }
    renameSync(this.#path, `${this.#path}.1`);
    const next = openSync(this.#path, 'a', 0o640);
    closeSync(this.#descriptor);
    this.#descriptor = next;
    this.#bytes = 0;
  }
}
