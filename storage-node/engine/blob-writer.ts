/** Writes one blob, front to back: docs/formats/blob.md, the order of writes. */
import { HoldfastError } from '#common/errors.ts';
import type { OpenFile } from '#common/io/files.ts';
import { BLOB_BYTES_MAX, BLOCK_BYTES, BLOB_HEADER_BYTES, encodeBlobEnd } from './blob-format.ts';
import { BlockSummer } from '../protocol/block-summer.ts';
import type { BlobInfo, BlobSink } from './device-engine.ts';
import type { HeaderPage } from './header-pages.ts';

/** Chunks smaller than this are gathered before they are written. */
const GATHERED_BYTES = 256 * 1024;
/** Of all blobs of a device together: past it small chunks are written as they come, however slow and many their senders are. */
const GATHERED_OF_DEVICE_BYTES_MAX = 2 * 1024 * 1024;
const CHECKSUMS_AT_FIRST = 16;
/** While more is written, what is there is synced in such pieces, so that the disk works all the time and the end waits for little. */
const SYNCED_BYTES = 16 * 1024 * 1024;

/** What the writers of one device hold together. */
export interface GatheredMemory {
  bytes: number;
}

export interface BlobWriterOptions {
  readonly info: Omit<BlobInfo, 'lengthBytes'>;
  readonly file: OpenFile;
  /** What the file begins with. */
  readonly header: HeaderPage;
  readonly gathered: GatheredMemory;
  /** Throws when the device takes nothing more. */
  readonly check: () => void;
  /** Turns what the disk threw into the caller's error. */
  readonly failed: (error: unknown) => HoldfastError;
  /** The file is written, synced and closed: gives it its name. */
  readonly publish: (info: BlobInfo) => Promise<void>;
  /** The file is closed and unwanted. */
  readonly discard: () => Promise<void>;
}

export class BlobWriter implements BlobSink {
  readonly #options: BlobWriterOptions;
  /** Outside of V8's heap from the 17th on: as numbers in it they would grow old with their blob. */
  #checksums = new Uint32Array(CHECKSUMS_AT_FIRST);
  #blocks = 0;
  #lengthBytes = 0;
  /** Makes the sums that the caller does not bring. */
  readonly #summer = new BlockSummer();
  /** What is next to be written; begins with the header. */
  #gathered: Buffer[];
  #gatheredBytes = BLOB_HEADER_BYTES;
  /** Of it, what is a copy of our own. */
  #copiedBytes = 0;
  #position = 0;
  #syncedPosition = 0;
  /** A sync that runs beside the writes. */
  #syncing: Promise<void> | undefined;
  /** Why it failed: what it covered is lost, whatever a later sync says. */
  #failure: HoldfastError | undefined;
  #state: 'writing' | 'committing' | 'done' = 'writing';
  #closed = false;

  constructor(options: BlobWriterOptions) {
    this.#options = options;
    this.#gathered = [options.header.bytes];
  }

  async write(chunks: readonly Buffer[], blockSums?: readonly number[]): Promise<void> {
    this.#mustBeWriting();
    if (this.#failure) throw this.#failure;
    this.#options.check();
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
    if (this.#lengthBytes + bytes > BLOB_BYTES_MAX) {
      throw new HoldfastError('invalid-argument', `a blob has at most ${BLOB_BYTES_MAX} bytes`);
    }
    this.#lengthBytes += bytes;
    this.#take(blockSums ?? chunks.flatMap((chunk) => this.#summer.add(chunk)));
    if (!this.#hasRoom(bytes)) return this.#flush(chunks, bytes);
    // The caller's memory is free again when this resolves, so what waits is a copy.
    this.#gathered.push(...chunks.map((chunk) => copyOf(chunk)));
    this.#gatheredBytes += bytes;
    this.#copiedBytes += bytes;
    this.#options.gathered.bytes += bytes;
  }

  async commit(openBlockSum: number | undefined = this.#summer.open): Promise<void> {
    this.#mustBeWriting();
    this.#options.check();
    if (openBlockSum !== undefined) this.#take([openBlockSum]);
    if (this.#blocks !== Math.ceil(this.#lengthBytes / BLOCK_BYTES))
      throw new HoldfastError('invalid-argument', 'a blob needs a sum for each of its blocks');
    const info: BlobInfo = { ...this.#options.info, lengthBytes: this.#lengthBytes };
    const end = encodeBlobEnd(info, this.#checksums.subarray(0, this.#blocks));
    await this.#flush([end], end.length);
    this.#state = 'committing';
    await this.#syncing;
    if (this.#failure) throw this.#failure;
    try {
      await this.#options.file.sync();
      await this.#close();
      await this.#options.publish(info);
    } catch (error) {
      throw this.#options.failed(error);
    }
    this.#state = 'done';
  }

  async abort(): Promise<void> {
    if (this.#state === 'done') return;
    this.#state = 'done';
    await this.#syncing;
    try {
      await this.#close();
      await this.#options.discard();
    } catch (error) {
      this.#options.failed(error);
    }
  }

  #take(sums: readonly number[]): void {
    if (this.#blocks + sums.length > this.#checksums.length) {
      const larger = new Uint32Array(2 * (this.#blocks + sums.length));
      larger.set(this.#checksums);
      this.#checksums = larger;
    }
    this.#checksums.set(sums, this.#blocks);
    this.#blocks += sums.length;
  }

  #hasRoom(bytes: number): boolean {
    if (this.#gatheredBytes + bytes >= GATHERED_BYTES) return false;
    return this.#options.gathered.bytes + bytes <= GATHERED_OF_DEVICE_BYTES_MAX;
  }

  #forgetGathered(): void {
    this.#options.gathered.bytes -= this.#copiedBytes;
    this.#copiedBytes = 0;
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }

  async #close(): Promise<void> {
    this.#forgetGathered();
    this.#options.header.release();
    if (this.#closed) return;
    this.#closed = true;
    await this.#options.file.close();
  }

  async #flush(last: readonly Buffer[], lastBytes: number): Promise<void> {
    const chunks = [...this.#gathered, ...last];
    const position = this.#position;
    this.#position += this.#gatheredBytes + lastBytes;
    this.#forgetGathered();
    try {
      await this.#options.file.write(chunks, position);
    } catch (error) {
      throw this.#options.failed(error);
    }
    this.#options.header.release();
    this.#syncBeside();
  }

  #syncBeside(): void {
    if (this.#syncing || this.#position - this.#syncedPosition < SYNCED_BYTES) return;
    this.#syncedPosition = this.#position;
    this.#syncing = this.#options.file
      .sync()
      .catch((error: unknown) => {
        this.#failure = this.#options.failed(error);
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  #mustBeWriting(): void {
    if (this.#state !== 'writing') throw new HoldfastError('aborted', 'the blob is committed or given up');
  }
}

/** Of memory of its own: a few bytes of Node's pool would hold 64 KiB of it as long as a slow sender takes. */
export function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
