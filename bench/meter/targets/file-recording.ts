/** A file that is being written from its start to its end. It is closed behind the last of what is under way. */
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { stopped } from '../../load/operation-failure.ts';
import type { AlignedPool } from './aligned-pool.ts';
import { alignedDown, alignedUp } from './alignment.ts';
import type { ContentRange } from './content-range.ts';
import { fileFailure } from './file-failure.ts';
import type { MediaObject, Recording, SyncMode } from './target.ts';

const fsWrite = promisify(fs.write) as unknown as (
  file: number,
  from: Buffer,
  at: number,
  length: number,
  position: number,
) => Promise<{ bytesWritten: number }>;

export interface FileWriting {
  readonly pool: AlignedPool;
  readonly content: ContentRange;
  readonly ioBytes: number;
  readonly sync: SyncMode;
  readonly direct: boolean;
  /** Throws when the run in which the recording was begun has been broken off. */
  checkRun(): void;
}

export class FileRecording implements Recording {
  readonly #file: number;
  readonly #path: string;
  readonly #object: MediaObject;
  readonly #writing: FileWriting;
  #wholeBytes = 0;
  #underWay = 0;
  #ended = false;
  #closed = false;

  /** @param file a descriptor, which the recording closes. */
  constructor(file: number, path: string, object: MediaObject, writing: FileWriting) {
    this.#file = file;
    this.#path = path;
    this.#object = object;
    this.#writing = writing;
  }

  async append(position: number, lengthBytes: number): Promise<void> {
    this.#wholeBytes = Math.max(this.#wholeBytes, position + lengthBytes);
    await this.#use(async () => {
      await this.#write(position, lengthBytes);
      if (this.#writing.sync === 'each') await promisify(fs.fdatasync)(this.#file);
    });
  }

  async finish(): Promise<void> {
    try {
      await this.#use(async () => {
        if (this.#writing.direct) await promisify(fs.ftruncate)(this.#file, this.#wholeBytes);
        if (this.#writing.sync !== 'none') await promisify(fs.fsync)(this.#file);
      });
    } catch (error) {
      await this.abort();
      throw error;
    }
    await this.#end();
  }

  /** Does not wait for what is under way: on a mount that hangs that would be for ever. */
  async abort(): Promise<void> {
    await this.#end().catch(() => undefined);
  }

  async #end(): Promise<void> {
    this.#ended = true;
    await this.#closeIfDone();
  }

  /** A number that is closed too early is the next file's, and what is still written then is written there. */
  async #closeIfDone(): Promise<void> {
    if (this.#closed || !this.#ended || this.#underWay > 0) return;
    this.#closed = true;
    await promisify(fs.close)(this.#file).catch((error: unknown) => {
      throw fileFailure(error, this.#path);
    });
  }

  async #use(work: () => Promise<void>): Promise<void> {
    if (this.#ended) throw stopped();
    this.#underWay++;
    try {
      await work();
    } catch (error) {
      throw fileFailure(error, this.#path);
    } finally {
      this.#underWay--;
      if (this.#ended) await this.#closeIfDone().catch(() => undefined);
    }
  }

  async #write(position: number, lengthBytes: number): Promise<void> {
    const { pool, content, ioBytes, direct } = this.#writing;
    // What lies in the last block behind the frame is what the next frame puts there anyway.
    const start = direct ? alignedDown(position) : position;
    const end = direct ? alignedUp(position + lengthBytes) : position + lengthBytes;
    const buffer = await pool.take();
    try {
      for (let at = start; at < end; ) {
        const length = Math.min(alignedUp(ioBytes), end - at);
        content.fill(buffer, 0, this.#object.key, at, length);
        for (let written = 0; written < length; ) {
          if (this.#ended) throw stopped();
          this.#writing.checkRun();
          const { bytesWritten } = await fsWrite(this.#file, buffer, written, length - written, at + written);
          written += bytesWritten;
        }
        at += length;
      }
    } finally {
      pool.give(buffer);
    }
  }
}
