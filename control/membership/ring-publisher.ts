/** The newest ring as bytes, for whoever has none or an older one. */
import { errorText } from '#common/errors.ts';
import type { Files } from '#common/io/files.ts';
import { readWholeFile } from '#common/io/whole-file.ts';
import { RING_FILE_BYTES_MAX, ringVersionOf } from '#ring/file/ring-format.ts';
import type { RingSource } from '#ring/live-ring.ts';

export interface PublishedRing {
  readonly version: number;
  readonly bytes: Buffer;
}

export interface RingPublisherOptions {
  readonly files: Files;
  /** The file that `rings` follows. */
  readonly path: string;
  readonly rings: RingSource;
  readonly report: (problem: string) => void;
}

export class RingPublisher {
  readonly #options: RingPublisherOptions;
  readonly #listeners = new Set<(ring: PublishedRing) => void>();
  readonly #stop: () => void;
  #current: PublishedRing | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(options: RingPublisherOptions) {
    this.#options = options;
    this.#stop = options.rings.subscribe(() => this.#read());
    this.#read();
  }

  /** Undefined until it has been read. */
  get current(): PublishedRing | undefined {
    return this.#current;
  }

  /** @param listener told of each newer ring. @returns what ends it. */
  listen(listener: (ring: PublishedRing) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#stop();
    this.#listeners.clear();
    await this.#reading;
  }

  #read(): void {
    const { files, path, report } = this.#options;
    this.#reading = this.#reading
      .then(async () => {
        const bytes = await readWholeFile(files, path, RING_FILE_BYTES_MAX);
        const version = ringVersionOf(bytes);
        if (version <= (this.#current?.version ?? 0)) return;
        this.#current = { version, bytes };
        for (const listener of this.#listeners) listener(this.#current);
      })
      .catch((error: unknown) => report(errorText(error)));
  }
}
