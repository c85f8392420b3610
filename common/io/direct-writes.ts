/**
 * Writes to a file past the page cache (open(2), O_DIRECT): the disk takes the bytes from the caller's memory, which spares
 * their copy and the memory of it. A file system may not know it, and the kernel wants position, length and memory aligned: what is
 * refused is written through the cache as ever. It makes nothing durable.
 */
import * as fs from 'node:fs';

/** The most buffers that one writev takes (IOV_MAX on Linux and macOS). */
export const CHUNKS_PER_WRITE_MAX = 1024;
/** The alignment that suffices for every disk with blocks of up to 4 KiB. */
const ALIGNMENT_BYTES = 4096;
/** Below it the copy costs less than the wait for the disk. */
const DIRECT_BYTES_MIN = 128 * 1024;

export class DirectWrites {
  readonly #path: string;
  readonly #endMin: number;
  #descriptor: number | undefined;
  /** The file system or the memory does not allow it. */
  #refused = false;

  /**
   * @param path of a file that is there, until the first write.
   * @param endMin bytes: a file that is shorter behind a write is not worth a second descriptor, and a wait for each of its pieces.
   */
  constructor(path: string, endMin: number) {
    this.#path = path;
    this.#endMin = endMin;
  }

  /** How many of `chunks`, from the one with the index `first`, which belongs at `position`, are worth a try in one call. */
  takes(chunks: readonly Uint8Array[], first: number, position: number): number {
    if (this.#refused || position % ALIGNMENT_BYTES !== 0) return 0;
    let bytes = 0;
    let count = 0;
    for (let index = first; index < chunks.length && count < CHUNKS_PER_WRITE_MAX; index += 1) {
      const length = chunks[index]?.length ?? 0;
      if (length % ALIGNMENT_BYTES !== 0) break;
      bytes += length;
      count += 1;
    }
    return bytes >= DIRECT_BYTES_MIN && position + bytes >= this.#endMin ? count : 0;
  }

  /** Resolves with the bytes written: fewer than there are, or none, when what follows has to go through the cache. */
  async write(chunks: readonly Uint8Array[], position: number): Promise<number> {
    this.#descriptor ??= this.#open();
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return 0;
    return new Promise((resolve, reject) => {
      fs.writev(descriptor, chunks, position, (error, written) => {
        if (error?.code === 'EINVAL') this.#refused = true;
        else if (error) return reject(error);
        resolve(error ? 0 : written);
      });
    });
  }

  close(): void {
    if (this.#descriptor !== undefined) fs.closeSync(this.#descriptor);
  }

  /** On this thread: a file that is open has its inode in memory, and another thread would cost several times as much. */
  #open(): number | undefined {
    // Undefined where the system has no such flag.
    const direct: number | undefined = fs.constants.O_DIRECT;
    try {
      if (direct !== undefined) return fs.openSync(this.#path, fs.constants.O_WRONLY | direct);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    }
    this.#refused = true;
    return undefined;
  }
}
