/** The test files of a classic run, and one access to one of them, timed as MSMeter does it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { errorText, HoldfastError } from '#common/errors.ts';
import { alignedUp } from '../targets/alignment.ts';
import type { ContentRange } from '../targets/content-range.ts';
import { fileFailure } from '../targets/file-failure.ts';
import { pageMemory } from '../targets/page-memory.ts';
import type { Access } from './access.ts';

const FILES_MAX = 1000;
const CREATE_CHUNK_BYTES = 64 * 1024;
const FAMILY = 1;

export interface AccessTimes {
  /**
   * By MSMeter's definition: all of the access's time but that of its blocks. So it is the time to open, to seek and, of a
   * read, to close; closing what was written counts with the blocks.
   */
  readonly latencyMs: number;
  /** Of an access that wrote. */
  readonly closeMs: number;
  readonly blocksMs: readonly number[];
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface ClassicFilesSettings {
  readonly folder: string;
  readonly direct: boolean;
  /** Whether each write is synced, as MSMeter does on Unix. */
  readonly sync: boolean;
}

/** `test000`, `test001` …, as MSMeter names them. */
function nameOf(file: number): string {
  return `test${String(file).padStart(3, '0')}`;
}

export class ClassicFiles {
  readonly #settings: ClassicFilesSettings;
  readonly #content: ContentRange;
  readonly #buffer: Buffer;

  constructor(settings: ClassicFilesSettings, content: ContentRange, blockBytesMax: number) {
    this.#settings = settings;
    this.#content = content;
    this.#buffer = Buffer.from(pageMemory(alignedUp(blockBytesMax)));
  }

  /** Files that are there in sequence. */
  count(): number {
    let files = 0;
    while (files < FILES_MAX && fs.existsSync(this.#path(files))) files++;
    return files;
  }

  /** Bytes of the smallest of so many files. */
  sizeBytes(files: number): number {
    return Math.min(...Array.from({ length: files }, (_, file) => fs.statSync(this.#path(file)).size));
  }

  /** Writes a file of so many bytes. Throws `device-full` and its like in one line. */
  create(file: number, sizeBytes: number): void {
    const path = this.#path(file);
    try {
      const descriptor = fs.openSync(path, 'w');
      try {
        for (let at = 0; at < sizeBytes; at += CREATE_CHUNK_BYTES) {
          const length = Math.min(CREATE_CHUNK_BYTES, sizeBytes - at);
          const chunk = Buffer.alloc(length);
          this.#content.fill(chunk, 0, { family: FAMILY, index: file }, at, length);
          fs.writeSync(descriptor, chunk);
        }
        fs.fsyncSync(descriptor);
      } finally {
        fs.closeSync(descriptor);
      }
    } catch (error) {
      throw fileFailure(error, path);
    }
  }

  remove(files: number): void {
    for (let file = 0; file < files; file++) fs.rmSync(this.#path(file), { force: true });
  }

  /** Whether the folder takes O_DIRECT. */
  takesDirect(): boolean {
    try {
      fs.closeSync(fs.openSync(this.#path(0), fs.constants.O_RDWR | fs.constants.O_DIRECT));
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Opens, moves block after block, closes. Synchronous, as MSMeter is: one access at a time, and no event loop between the
   * clock and the system call. Blocks are compared outside of the time that is taken.
   */
  perform(access: Access): AccessTimes {
    const path = this.#path(access.file);
    const writes = access.mode === 'seq_wr' || access.mode === 'rand_wr';
    const startedMs = performance.now();
    const blocksMs: number[] = [];
    let checkingMs = 0;
    let closeMs = 0;
    try {
      const flags = fs.constants.O_RDWR | (this.#settings.direct ? fs.constants.O_DIRECT : 0);
      const descriptor = fs.openSync(path, flags);
      try {
        for (const position of access.positions) {
          const preparedMs = performance.now();
          if (writes) this.#fill(access, position);
          const beganMs = performance.now();
          this.#move(descriptor, position, access.blockBytes, writes);
          const endedMs = performance.now();
          blocksMs.push(endedMs - beganMs);
          if (!writes) this.#check(access, position);
          checkingMs += beganMs - preparedMs + (performance.now() - endedMs);
        }
      } finally {
        const closingMs = performance.now();
        fs.closeSync(descriptor);
        if (writes) closeMs = performance.now() - closingMs;
      }
    } catch (error) {
      throw fileFailure(error, path);
    }
    const endedMs = performance.now();
    const inBlocksMs = blocksMs.reduce((sum, one) => sum + one, 0);
    const latencyMs = Math.max(0, endedMs - startedMs - inBlocksMs - closeMs - checkingMs);
    return { latencyMs, closeMs, blocksMs, startedMs, endedMs };
  }

  #path(file: number): string {
    return join(this.#settings.folder, nameOf(file));
  }

  /** What stands there is written again: any read can be checked, before and after. */
  #fill(access: Access, position: number): void {
    this.#content.fill(this.#buffer, 0, { family: FAMILY, index: access.file }, position, access.blockBytes);
  }

  #move(descriptor: number, position: number, blockBytes: number, writes: boolean): void {
    if (writes) {
      fs.writeSync(descriptor, this.#buffer, 0, blockBytes, position);
      if (this.#settings.sync) fs.fdatasyncSync(descriptor);
    } else fs.readSync(descriptor, this.#buffer, 0, blockBytes, position);
  }

  #check(access: Access, position: number): void {
    const key = { family: FAMILY, index: access.file };
    const wrong = this.#content.mismatch(this.#buffer, 0, key, position, access.blockBytes);
    if (wrong >= 0)
      throw new HoldfastError(
        'data-corrupt',
        `${nameOf(access.file)} differs within the block at byte ${wrong}`,
      );
  }
}

/** Throws with one line when it cannot be used. */
export function requireFolder(folder: string): void {
  try {
    if (!fs.statSync(folder).isDirectory()) throw new Error('it is not a folder');
  } catch (error) {
    throw new HoldfastError('invalid-argument', `cannot use ${folder}: ${errorText(error)}`, {
      cause: error,
    });
  }
}
