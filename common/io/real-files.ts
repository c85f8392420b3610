/**
 * Files on the machine's disks.
 *
 * The callback interface of node:fs is wrapped by hand: a 4 KiB read from the page cache costs 5 µs through a callback and
 * 15 µs through a FileHandle.
 */
import * as fs from 'node:fs';
import { CHUNKS_PER_WRITE_MAX, DirectWrites } from './direct-writes.ts';
import { lockFolder } from './real-lock.ts';
import type { FileInfo, FileLock, Files, OpenFile, OpenMode, Space } from './files.ts';

const openFlags: Record<OpenMode, number> = {
  read: fs.constants.O_RDONLY,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
  // Without O_APPEND, which on Linux makes a positioned write ignore its position.
  append: fs.constants.O_RDWR | fs.constants.O_CREAT,
};

export function realFiles(): Files {
  return new RealFiles();
}

type Settle = (error: NodeJS.ErrnoException | null) => void;

/** Runs one callback call of node:fs as a promise. */
function settled(call: (done: Settle) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

class RealFiles implements Files {
  open(path: string, mode: OpenMode, uncachedFromBytes?: number): Promise<OpenFile> {
    return new Promise((resolve, reject) => {
      fs.open(path, openFlags[mode], 0o640, (error, descriptor) => {
        if (error) reject(error);
        else resolve(new RealFile(descriptor, path, mode, uncachedFromBytes));
      });
    });
  }

  rename(from: string, to: string): Promise<void> {
    return settled((done) => fs.rename(from, to, done));
  }

  unlink(path: string): Promise<void> {
    return settled((done) => fs.unlink(path, done));
  }

  makeDirectory(path: string): Promise<void> {
    return settled((done) => fs.mkdir(path, { recursive: true, mode: 0o750 }, (error) => done(error)));
  }

  list(path: string): Promise<FileInfo[]> {
    return new Promise((resolve, reject) => {
      fs.readdir(path, { withFileTypes: true }, (error, entries) => {
        if (error) reject(error);
        else resolve(entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() })));
      });
    });
  }

  exists(path: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      fs.stat(path, (error) => {
        if (!error) resolve(true);
        else if (error.code === 'ENOENT' || error.code === 'ENOTDIR') resolve(false);
        else reject(error);
      });
    });
  }

  /** The folder is opened and closed on this thread: whoever syncs it has just changed or read it, so that the system knows it. */
  async syncDirectory(path: string): Promise<void> {
    const descriptor = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    try {
      await settled((done) => fs.fsync(descriptor, done));
    } finally {
      fs.closeSync(descriptor);
    }
  }

  space(path: string): Promise<Space> {
    return new Promise((resolve, reject) => {
      fs.statfs(path, (error, found) => {
        if (error) return reject(error);
        // bavail, not bfree: what the file system keeps for root is not ours to use.
        resolve({ totalBytes: found.blocks * found.bsize, freeBytes: found.bavail * found.bsize });
      });
    });
  }

  lock(path: string): Promise<FileLock> {
    return lockFolder(path);
  }
}

class RealFile implements OpenFile {
  /** Undefined of a file that is only read. */
  readonly #writablePath: string | undefined;
  readonly #descriptor: number;
  readonly #direct: DirectWrites | undefined;
  /** Of its own: the system tells each descriptor once of a sync that failed. */
  #through: number | undefined;

  constructor(descriptor: number, path: string, mode: OpenMode, uncachedFromBytes: number | undefined) {
    this.#writablePath = mode === 'read' ? undefined : path;
    this.#descriptor = descriptor;
    this.#direct = uncachedFromBytes === undefined ? undefined : new DirectWrites(path, uncachedFromBytes);
  }

  read(into: Buffer, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#readOn(into, offset, length, position, 0, resolve, reject);
    });
  }

  /** A read may stop short before the end of the file (a signal, 2 GiB): goes on until `length` or the end. */
  #readOn(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
    had: number,
    resolve: (bytes: number) => void,
    reject: (error: Error) => void,
  ): void {
    fs.read(this.#descriptor, into, offset + had, length - had, position + had, (error, bytes) => {
      if (error) reject(error);
      else if (bytes === 0 || had + bytes === length) resolve(had + bytes);
      else this.#readOn(into, offset, length, position, had + bytes, resolve, reject);
    });
  }

  readNow(into: Buffer, offset: number, length: number, position: number): number {
    let had = 0;
    while (had < length) {
      const bytes = fs.readSync(this.#descriptor, into, offset + had, length - had, position + had);
      if (bytes === 0) break;
      had += bytes;
    }
    return had;
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const direct = this.#direct;
    if (direct === undefined) return this.#writeOn(this.#descriptor, chunks, position);
    let at = position;
    let left: readonly Uint8Array[] = chunks.filter((chunk) => chunk.length > 0);
    while (left.length > 0) {
      const tried = direct.takes(left, 0, at);
      let written = tried === 0 ? 0 : await direct.write(left.slice(0, tried), at);
      if (written === 0) {
        // Up to what is worth another try.
        let count = 0;
        do {
          written += left[count]?.length ?? 0;
          count += 1;
        } while (count < left.length && direct.takes(left, count, at + written) === 0);
        await this.#writeOn(this.#descriptor, left.slice(0, count), at);
      }
      at += written;
      left = behind(left, written);
    }
  }

  async writeThrough(chunks: readonly Uint8Array[], position: number): Promise<void> {
    // On this thread: an open file's inode is in memory.
    if (this.#writablePath !== undefined)
      this.#through ??= fs.openSync(this.#writablePath, fs.constants.O_WRONLY | fs.constants.O_DSYNC);
    const through = this.#through ?? this.#descriptor;
    if (chunks.length <= CHUNKS_PER_WRITE_MAX) return this.#writeOn(through, chunks, position);
    // Each of several calls would be synced by itself.
    await this.#writeOn(this.#descriptor, chunks, position);
    await settled((done) => fs.fdatasync(through, done));
  }

  endWritesThrough(): void {
    if (this.#through !== undefined) fs.closeSync(this.#through);
    this.#through = undefined;
  }

  async #writeOn(descriptor: number, chunks: readonly Uint8Array[], position: number): Promise<void> {
    let at = position;
    let left: readonly Uint8Array[] = chunks.filter((chunk) => chunk.length > 0);
    while (left.length > 0) {
      const turn = left.length > CHUNKS_PER_WRITE_MAX ? left.slice(0, CHUNKS_PER_WRITE_MAX) : left;
      // Each turn goes on where the one before it stopped.
      const written = await this.#writeOnce(descriptor, turn, at);
      at += written;
      left = behind(left, written);
    }
  }

  #writeOnce(descriptor: number, chunks: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = (error: NodeJS.ErrnoException | null, written: number): void => {
        if (error) reject(error);
        else if (written === 0) reject(new Error('the system wrote nothing and gave no reason'));
        else resolve(written);
      };
      const only = chunks.length === 1 ? chunks[0] : undefined;
      if (only) fs.write(descriptor, only, 0, only.length, position, done);
      else fs.writev(descriptor, chunks, position, done);
    });
  }

  sync(): Promise<void> {
    return settled((done) => fs.fdatasync(this.#descriptor, done));
  }

  truncate(length: number): Promise<void> {
    return settled((done) => fs.ftruncate(this.#descriptor, length, done));
  }

  /** On this thread: of an open file the system knows it, and another thread would cost ten times as much. */
  async size(): Promise<number> {
    return fs.fstatSync(this.#descriptor).size;
  }

  /** On this thread: what has not been synced is not waited for. Only a file that is nobody's any more is freed here. */
  async close(): Promise<void> {
    try {
      this.#direct?.close();
    } finally {
      this.endWritesThrough();
      fs.closeSync(this.#descriptor);
    }
  }
}

/** What is left of `chunks` behind their first `bytes` bytes. */
function behind(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let skipped = 0;
  for (let index = 0; index < chunks.length; index += 1) {
    const chunk = chunks[index] as Uint8Array;
    if (skipped + chunk.length > bytes) {
      const rest = chunks.slice(index);
      rest[0] = chunk.subarray(bytes - skipped);
      return rest;
    }
    skipped += chunk.length;
  }
  return [];
}
