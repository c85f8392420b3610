/**
 * A server that only reads, with another way to what it serves: clips are written at one target and read at the other,
 * such as the folder of a web server and its URL.
 */
import type { MediaObject, MediaTarget, Recording, TargetTraits } from './target.ts';

export class SplitTarget implements MediaTarget {
  readonly #reader: MediaTarget;
  readonly #writer: MediaTarget;

  constructor(reader: MediaTarget, writer: MediaTarget) {
    this.#reader = reader;
    this.#writer = writer;
  }

  get traits(): TargetTraits {
    const { durability, writable, appendBytesMin, appendsMax } = this.#writer.traits;
    const written = `written at ${this.#writer.traits.url}, ${durability}`;
    const appends = { appendBytesMin, ...(appendsMax === undefined ? {} : { appendsMax }) };
    return { ...this.#reader.traits, durability: written, writable, ...appends, verified: true };
  }

  async prepare(): Promise<void> {
    await this.#writer.prepare();
    await this.#reader.prepare();
  }

  put(object: MediaObject): Promise<void> {
    return this.#writer.put(object);
  }

  read(object: MediaObject, position: number, lengthBytes: number): Promise<void> {
    return this.#reader.read(object, position, lengthBytes);
  }

  record(object: MediaObject): Promise<Recording> {
    return this.#writer.record(object);
  }

  remove(object: MediaObject): Promise<void> {
    return this.#writer.remove(object);
  }

  stat(object: MediaObject): Promise<number | undefined> {
    return this.#writer.stat(object);
  }

  list(prefix: string, limit: number): Promise<number> {
    return this.#writer.list(prefix, limit);
  }

  removePlace(): Promise<void> {
    return this.#writer.removePlace();
  }

  breakOff(): void {
    this.#reader.breakOff?.();
    this.#writer.breakOff?.();
  }

  close(): void {
    this.#reader.close();
    this.#writer.close();
  }
}
