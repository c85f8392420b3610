/** The blobs of a device: docs/formats/blob.md. */
import { type RecordKey, asRecordKey } from '#common/codec/record-key.ts';
import { HoldfastError, hasCode } from '#common/errors.ts';
import { type BlobId, blobId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Files, OpenFile } from '#common/io/files.ts';
import { BLOB_HEADER_BYTES, type BlobEnd, encodeBlobHeader } from './blob-format.ts';
import { BlobReader, readBlobEnd } from './blob-reader.ts';
import { BlobWriter, copyOf, type GatheredMemory } from './blob-writer.ts';
import type { BlobCounts } from './device-counts.ts';
import type { BlobInfo, BlobSink, BlobSource } from './device-engine.ts';
import type { ReportEvent } from './device-events.ts';
import { type DeviceState, isMissing } from './device-state.ts';
import { makeDurableFolder } from './durable-folder.ts';
import { HeaderPages } from './header-pages.ts';

const FOLDERS = 256;
/** From where on a blob goes past the page cache, whose readers are expected at another replica; with other blobs under way, and without. */
const UNCACHED_AMONG_OTHERS_BYTES = 512 * 1024;
const UNCACHED_ALONE_BYTES = 1024 * 1024 + 128 * 1024;
/** And one whose readers are expected here: short ones, and the beginning of long ones, are in memory when they are read. */
const UNCACHED_LONG_BYTES = 4 * 1024 * 1024;

export interface BlobStoreOptions {
  readonly path: string;
  readonly files: Files;
  readonly clock: Clock;
  readonly state: DeviceState;
  readonly report: ReportEvent;
}

export class BlobStore {
  readonly counts: BlobCounts = { blobs: 0, blobBytes: 0 };
  counted = false;
  readonly #options: BlobStoreOptions;
  readonly #writing = new Set<BlobId>();
  readonly #gathered: GatheredMemory = { bytes: 0 };
  readonly #headers = new HeaderPages();

  /** Makes the folders, and removes what was being written when the device stopped. */
  static async open(options: BlobStoreOptions): Promise<BlobStore> {
    const { files, path } = options;
    await makeDurableFolder(files, path, 'tmp');
    await makeDurableFolder(files, path, 'blobs');
    const there = new Set((await files.list(`${path}/blobs`)).map(({ name }) => name));
    const missing = Array.from({ length: FOLDERS }, (_, index) => folderName(index)).filter(
      (name) => !there.has(name),
    );
    await Promise.all(missing.map((name) => files.makeDirectory(`${path}/blobs/${name}`)));
    await files.syncDirectory(`${path}/blobs`);
    const leftovers = await files.list(`${path}/tmp`);
    await Promise.all(leftovers.map(({ name }) => files.unlink(`${path}/tmp/${name}`)));
    return new BlobStore(options);
  }

  constructor(options: BlobStoreOptions) {
    this.#options = options;
  }

  async create(id: BlobId, owner: RecordKey, uncached?: boolean): Promise<BlobSink> {
    const { state, files, clock, path } = this.#options;
    state.checkRoom();
    // It may yet be given up: who would take it for there would believe in a copy that never comes.
    if (this.#writing.has(id)) throw new HoldfastError('overloaded', 'the blob is being written already');
    this.#writing.add(id);
    const temporary = `${path}/tmp/${id}`;
    let file: OpenFile;
    try {
      if (await files.exists(this.#pathOf(id))) throw new HoldfastError('blob-exists');
      file = await files.open(temporary, 'create', this.#uncachedFromBytes(uncached));
    } catch (error) {
      this.#writing.delete(id);
      throw state.writeFailed(error);
    }
    const createdMs = clock.nowMs();
    return new BlobWriter({
      // The caller's memory may be a transport's buffer.
      info: { id, createdMs, owner: asRecordKey(copyOf(owner)) },
      file,
      header: this.#headers.hold(encodeBlobHeader(id, createdMs)),
      gathered: this.#gathered,
      check: () => state.checkRoom(),
      failed: (error) => state.writeFailed(error),
      publish: (info) => this.#publish(temporary, info),
      discard: async () => {
        try {
          if (await files.exists(temporary)) await files.unlink(temporary);
        } finally {
          this.#writing.delete(id);
        }
      },
    });
  }

  /** Many blobs at once are limited by what their copies into the cache cost; one alone, if it is small, by its waits for the disk. */
  #uncachedFromBytes(uncached: boolean | undefined): number | undefined {
    // What came over a wire lies in memory that no disk takes as it is.
    if (uncached === undefined) return undefined;
    if (!uncached) return UNCACHED_LONG_BYTES;
    return this.#writing.size > 1 ? UNCACHED_AMONG_OTHERS_BYTES : UNCACHED_ALONE_BYTES;
  }

  async open(id: BlobId): Promise<BlobSource> {
    const { state, report } = this.#options;
    state.check();
    const { file, end } = await this.#openFile(id);
    return new BlobReader({
      file,
      end,
      failed: (error) => (error instanceof HoldfastError ? error : state.fail(error)),
      corrupt: (position, bytes) => report({ type: 'data-corrupt', where: `blob ${id}:${position}`, bytes }),
    });
  }

  async delete(id: BlobId): Promise<boolean> {
    const { state, files } = this.#options;
    state.check();
    const bytes = await this.#sizeOf(id);
    if (bytes === undefined) return false;
    try {
      // Not synced: a blob that a power loss brings back is swept again.
      await files.unlink(this.#pathOf(id));
    } catch (error) {
      if (isMissing(error)) return false;
      throw state.writeFailed(error);
    }
    this.counts.blobs -= 1;
    this.counts.blobBytes -= bytes;
    return true;
  }

  /** In order of ids. A damaged blob is reported and left out. */
  async list(after: BlobId | undefined, limit: number): Promise<BlobInfo[]> {
    this.#options.state.check();
    const found: BlobInfo[] = [];
    const first = after === undefined ? 0 : Number.parseInt(after.slice(0, 2), 16);
    for (let folder = first; folder < FOLDERS && found.length < limit; folder += 1) {
      // Folder after folder, until there are enough.
      for (const id of await this.#idsIn(folderName(folder))) {
        if (found.length === limit) break;
        if (after !== undefined && id <= after) continue;
        const info = await this.#infoOf(id);
        if (info) found.push(info);
      }
    }
    return found;
  }

  /** In order, without opening any. */
  async ids(after: BlobId | undefined, limit: number): Promise<BlobId[]> {
    this.#options.state.check();
    const found: BlobId[] = [];
    const first = after === undefined ? 0 : Number.parseInt(after.slice(0, 2), 16);
    for (let folder = first; folder < FOLDERS && found.length < limit; folder += 1) {
      const ids = await this.#idsIn(folderName(folder));
      found.push(...(after === undefined ? ids : ids.filter((id) => id > after)));
    }
    return found.slice(0, limit);
  }

  /** Counts the blobs in the background; what is made and deleted meanwhile may be counted twice or not at all. */
  async count(): Promise<void> {
    for (let folder = 0; folder < FOLDERS; folder += 1) {
      if (this.#options.state.failed) return;
      for (const id of await this.#idsIn(folderName(folder))) {
        const bytes = await this.#sizeOf(id);
        if (bytes === undefined) continue;
        this.counts.blobs += 1;
        this.counts.blobBytes += bytes;
      }
    }
    this.counted = true;
  }

  #pathOf(id: BlobId): string {
    return `${this.#options.path}/blobs/${id.slice(0, 2)}/${id}`;
  }

  async #publish(temporary: string, info: BlobInfo): Promise<void> {
    const { files, path } = this.#options;
    await files.rename(temporary, this.#pathOf(info.id));
    await files.syncDirectory(`${path}/blobs/${info.id.slice(0, 2)}`);
    this.#writing.delete(info.id);
    this.counts.blobs += 1;
    this.counts.blobBytes += BLOB_HEADER_BYTES + info.lengthBytes;
  }

  async #openFile(id: BlobId): Promise<{ file: OpenFile; end: BlobEnd }> {
    const { files, state, report } = this.#options;
    let file: OpenFile | undefined;
    try {
      file = await files.open(this.#pathOf(id), 'read');
      const end = await readBlobEnd(file);
      if (end.info.id !== id)
        throw new HoldfastError('data-corrupt', `the file of blob ${id} is another blob's`);
      return { file, end };
    } catch (error) {
      await file?.close();
      if (isMissing(error)) throw new HoldfastError('blob-missing');
      if (!(error instanceof HoldfastError)) throw state.fail(error);
      report({ type: 'data-corrupt', where: `blob ${id}`, bytes: 0 });
      throw error;
    }
  }

  async #infoOf(id: BlobId): Promise<BlobInfo | undefined> {
    try {
      const { file, end } = await this.#openFile(id);
      await file.close();
      return end.info;
    } catch (error) {
      if (hasCode(error, 'blob-missing') || hasCode(error, 'data-corrupt')) return undefined;
      throw error;
    }
  }

  /** Bytes of the header and data, from the blob's end, or the file's size when that is damaged; undefined when there is no blob. */
  async #sizeOf(id: BlobId): Promise<number | undefined> {
    const { files, state } = this.#options;
    try {
      const file = await files.open(this.#pathOf(id), 'read');
      try {
        const { info } = await readBlobEnd(file);
        return BLOB_HEADER_BYTES + info.lengthBytes;
      } catch (error) {
        if (hasCode(error, 'data-corrupt')) return await file.size();
        throw error;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw state.fail(error);
    }
  }

  async #idsIn(folder: string): Promise<BlobId[]> {
    const { files, state, path } = this.#options;
    try {
      const names = await files.list(`${path}/blobs/${folder}`);
      const ids = names.filter(({ name }) => /^[0-9a-f]{32}$/.test(name) && name.startsWith(folder));
      return ids.map(({ name }) => blobId(name)).toSorted();
    } catch (error) {
      throw state.fail(error);
    }
  }
}

function folderName(index: number): string {
  return index.toString(16).padStart(2, '0');
}
