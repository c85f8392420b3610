/**
 * Files of a mounted filesystem. Past the page cache by O_DIRECT where the filesystem takes it; then positions,
 * lengths and memory are multiples of 4 KiB, so a frame is read with the blocks around it.
 */
import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { errorText } from '#common/errors.ts';
import { OperationFailure, stopped } from '../../load/operation-failure.ts';
import { AlignedPool } from './aligned-pool.ts';
import { ALIGNMENT_BYTES, alignedDown, alignedUp } from './alignment.ts';
import type { ContentRange } from './content-range.ts';
import { fileFailure } from './file-failure.ts';
import { FilePlace } from './file-place.ts';
import { FileRecording } from './file-recording.ts';
import { OpenFiles } from './open-files.ts';
import { pageMemory } from './page-memory.ts';
import type { MediaObject, MediaTarget, Recording, TargetSpec, TargetTraits } from './target.ts';

const BUFFERS_BYTES_MAX = 512 * 2 ** 20;

const fsRead = promisify(fs.read) as unknown as (
  file: number,
  into: Buffer,
  at: number,
  length: number,
  position: number,
) => Promise<{ bytesRead: number }>;
const fsOpen = promisify(fs.open) as (path: string, flags: number, mode?: number) => Promise<number>;

export class FileTarget implements MediaTarget {
  readonly #spec: TargetSpec;
  readonly #content: ContentRange;
  readonly #pool: AlignedPool;
  readonly #readers: OpenFiles;
  readonly #place: FilePlace;
  #direct = false;
  #runs = 0;

  constructor(spec: TargetSpec, content: ContentRange) {
    this.#spec = spec;
    this.#content = content;
    this.#place = new FilePlace(resolve(spec.place, spec.prefix), spec);
    // A read that begins and ends within blocks touches one more.
    this.#pool = new AlignedPool(spec.ioBytes + 2 * ALIGNMENT_BYTES, BUFFERS_BYTES_MAX);
    this.#readers = new OpenFiles((path) => fsOpen(path, this.#flags(fs.constants.O_RDONLY)));
  }

  get traits(): TargetTraits {
    const { sync, url } = this.#spec;
    const durability = {
      none: 'a write counts when the system has taken it: no fsync',
      end: 'a write counts when the system has taken it; fsync when a file is whole',
      each: 'a write counts after fdatasync',
    }[sync];
    return {
      url,
      protocol: this.#direct ? 'file, O_DIRECT' : 'file',
      caches: this.#direct
        ? "past this machine's page cache; the server's or device's own cache is not known"
        : "through this machine's page cache: reads may come from memory",
      durability,
      writable: true,
      growing: true,
      verified: true,
      appendBytesMin: 1,
    };
  }

  async prepare(): Promise<void> {
    const { place, direct } = this.#spec;
    try {
      if (!fs.statSync(place).isDirectory()) throw new Error('it is not a folder');
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const why = missing ? 'there is no such folder' : errorText(error);
      throw new OperationFailure('invalid-argument', 'place', `cannot use ${place}: ${why}`);
    }
    const { path } = this.#place;
    try {
      this.#place.make();
      this.#direct = direct !== 'off' && this.#takesDirect(this.#place.trialPath());
    } catch (error) {
      throw fileFailure(error, path);
    }
    if (direct === 'on' && !this.#direct)
      throw new OperationFailure('invalid-argument', 'no-direct', `${place} does not take O_DIRECT`);
    await Promise.resolve();
  }

  async put(object: MediaObject): Promise<void> {
    const recording = await this.record(object);
    try {
      await recording.append(0, object.sizeBytes);
      await recording.finish();
    } catch (error) {
      await recording.abort();
      // Who asked for an object that never was does not know that there is something to remove.
      await fs.promises.unlink(this.#pathOf(object)).catch(() => undefined);
      throw error;
    }
  }

  async read(object: MediaObject, position: number, lengthBytes: number): Promise<void> {
    const path = this.#pathOf(object);
    const checkRun = this.#currentRun();
    const buffer = await this.#pool.take();
    const file = this.#readers.acquire(path);
    try {
      const descriptor = await file.descriptor;
      for (let done = 0; done < lengthBytes; ) {
        checkRun();
        const length = Math.min(this.#spec.ioBytes, lengthBytes - done);
        await this.#readChunk(descriptor, buffer, object, position + done, length);
        done += length;
      }
    } catch (error) {
      throw fileFailure(error, path);
    } finally {
      this.#readers.release(file);
      this.#pool.give(buffer);
    }
  }

  async record(object: MediaObject): Promise<Recording> {
    const path = this.#pathOf(object);
    const checkRun = this.#currentRun();
    this.#readers.forget(path);
    const { ioBytes, sync } = this.#spec;
    const file = await this.#attempt(path, () => this.#openForWriting(path));
    const writing = {
      pool: this.#pool,
      content: this.#content,
      ioBytes,
      sync,
      direct: this.#direct,
      checkRun,
    };
    return new FileRecording(file, path, object, writing);
  }

  async remove(object: MediaObject): Promise<void> {
    const path = this.#pathOf(object);
    this.#readers.forget(path);
    await this.#attempt(path, () => fs.promises.unlink(path));
  }

  async stat(object: MediaObject): Promise<number | undefined> {
    const path = this.#pathOf(object);
    try {
      return (await fs.promises.stat(path)).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw fileFailure(error, path);
    }
  }

  async list(prefix: string, limit: number): Promise<number> {
    const folder = join(this.#place.path, prefix);
    return await this.#attempt(folder, async () =>
      Math.min(limit, (await fs.promises.readdir(folder)).length),
    );
  }

  async removePlace(): Promise<void> {
    this.#readers.closeAll();
    await this.#attempt(this.#place.path, () => this.#place.remove());
  }

  /** What the system has been told to do it does; there comes no more. */
  breakOff(): void {
    this.#runs++;
  }

  close(): void {
    this.#runs++;
    this.#readers.closeAll();
  }

  #pathOf(object: MediaObject): string {
    return join(this.#place.path, object.name);
  }

  /** Throws, when it is called, if the run of now has been broken off by then. */
  #currentRun(): () => void {
    const run = this.#runs;
    return () => {
      if (run !== this.#runs) throw stopped();
    };
  }

  async #openForWriting(path: string): Promise<number> {
    const flags = this.#flags(fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_TRUNC);
    try {
      return await fsOpen(path, flags, 0o644);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // Its folder is made by the first object of it.
      await fs.promises.mkdir(dirname(path), { recursive: true });
      return await fsOpen(path, flags, 0o644);
    }
  }

  #flags(flags: number): number {
    return this.#direct ? flags | fs.constants.O_DIRECT : flags;
  }

  #takesDirect(path: string): boolean {
    const flags = fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_DIRECT;
    const memory = Buffer.from(pageMemory(ALIGNMENT_BYTES));
    let file: number | undefined;
    try {
      file = fs.openSync(path, flags, 0o600);
      return fs.writeSync(file, memory, 0, ALIGNMENT_BYTES, 0) === ALIGNMENT_BYTES;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      return false;
    } finally {
      if (file !== undefined) fs.closeSync(file);
      fs.rmSync(path, { force: true });
    }
  }

  async #readChunk(
    file: number,
    buffer: Buffer,
    object: MediaObject,
    position: number,
    length: number,
  ): Promise<void> {
    const start = this.#direct ? alignedDown(position) : position;
    const wanted = position + length - start;
    const asked = this.#direct ? alignedUp(wanted) : wanted;
    let got = 0;
    for (let from = 0; got < wanted; from = this.#direct ? alignedDown(got) : got) {
      const { bytesRead } = await fsRead(file, buffer, from, asked - from, start + from);
      // O_DIRECT asks again from the last whole block on: where nothing is added, the file ends.
      if (from + bytesRead <= got) break;
      got = from + bytesRead;
    }
    if (got < wanted)
      throw new OperationFailure(
        'data-corrupt',
        'length-mismatch',
        `${object.name} ends at byte ${start + got}`,
      );
    const wrong = this.#content.mismatch(buffer, position - start, object.key, position, length);
    if (wrong >= 0)
      throw new OperationFailure(
        'data-corrupt',
        'content-mismatch',
        `${object.name} differs within the block at byte ${wrong}`,
      );
  }

  async #attempt<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw fileFailure(error, path);
    }
  }
}
