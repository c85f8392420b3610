/** The index in LevelDB: docs/formats/index.md. */
import { rm } from 'node:fs/promises';
import { Level } from 'level';
import type { Files } from '#common/io/files.ts';
import { type DeviceMemory, divideMemory } from './device-memory.ts';
import { isMissing } from './device-state.ts';
import type { IndexEntry, IndexStore, IndexWrite, RecordIndex } from './record-index.ts';

/** What a key of the database is, by its first byte. */
const tags = { mark: 0, batch: 1, row: 2, sums: 3, counts: 4, end: 5 } as const;
type Tag = (typeof tags)[keyof typeof tags];
const EMPTY = Buffer.alloc(0);
const MARK_KEY = tagged(tags.mark);
/** Holds the number of the last batch in front of the checkpoint. */
const BASE_KEY = tagged(tags.batch);
const BATCH_KEY_BYTES = 7;
/** What an iterator brings from LevelDB at once. */
const ITERATOR_BYTES = 4 * 1024 * 1024;
const PAGE_ROWS = 1000;

type Database = Level<Buffer, Buffer>;

/** @param files syncs LevelDB's own log; LevelDB itself goes to the machine's disk whatever is passed. */
export function levelIndexStore(
  path: string,
  files: Files,
  memory: DeviceMemory = divideMemory(),
): IndexStore {
  return {
    open: async () => {
      const database: Database = new Level<Buffer, Buffer>(path, {
        keyEncoding: 'buffer',
        valueEncoding: 'buffer',
        // A row is found for less than half of the CPU in a table that is not compressed: it is mapped into memory, and nothing is copied.
        compression: false,
        cacheSize: memory.blockCacheBytes,
        writeBufferSize: memory.writeBufferBytes,
      });
      await database.open();
      return new LevelIndex(database, path, files, await readBatches(database));
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

class LevelIndex implements RecordIndex {
  readonly #database: Database;
  readonly #path: string;
  readonly #files: Files;
  readonly isWhole: boolean;
  /** Numbers of the batches in front of the checkpoint, and of all that were written. */
  #base: number;
  #written: number;

  constructor(database: Database, path: string, files: Files, batches: Batches) {
    this.isWhole = batches.isWhole;
    this.#base = batches.base;
    this.#written = batches.last;
    this.#database = database;
    this.#path = path;
    this.#files = files;
  }

  get(key: Buffer): Buffer | undefined {
    return this.#database.getSync(tagged(tags.row, key));
  }

  sums(shard: Buffer): Buffer | undefined {
    return this.#database.getSync(tagged(tags.sums, shard));
  }

  async range(from: Buffer, to: Buffer, limit: number): Promise<IndexEntry[]> {
    const iterator = this.#database.iterator({
      gte: tagged(tags.row, from),
      lt: tagged(tags.row, to),
      limit,
      highWaterMarkBytes: ITERATOR_BYTES,
    });
    const entries: IndexEntry[] = [];
    try {
      // Usually one page: asking for the whole limit at once spares the trip that would find nothing more.
      for (;;) {
        const page = await iterator.nextv(limit - entries.length);
        for (const [key, value] of page) entries.push([key.subarray(1), value]);
        if (page.length === 0 || entries.length === limit) break;
      }
    } finally {
      await iterator.close();
    }
    return entries;
  }

  async *entries(): AsyncIterable<IndexEntry[]> {
    const bounds = { gte: tagged(tags.row), lt: tagged(tags.sums) };
    const iterator = this.#database.iterator({ ...bounds, highWaterMarkBytes: ITERATOR_BYTES });
    try {
      for (;;) {
        // Page after page of one snapshot.
        const page = await iterator.nextv(PAGE_ROWS);
        if (page.length === 0) return;
        yield page.map(([key, value]) => [key.subarray(1), value] as const);
      }
    } finally {
      await iterator.close();
    }
  }

  async write(
    rows: readonly IndexWrite[],
    sums: readonly IndexWrite[],
    counts: readonly IndexWrite[],
  ): Promise<void> {
    const number = this.#written + 1;
    const chained = this.#database.batch().put(batchKey(number), EMPTY);
    const put = (tag: Tag, writes: readonly IndexWrite[]): void => {
      for (const { key, value } of writes) {
        if (value) chained.put(tagged(tag, key), value);
        else chained.del(tagged(tag, key));
      }
    };
    put(tags.row, rows);
    put(tags.sums, sums);
    put(tags.counts, counts);
    await chained.write();
    this.#written = number;
  }

  async counts(): Promise<IndexEntry[]> {
    const bounds = { gte: tagged(tags.counts), lt: tagged(tags.end) };
    const entries = await this.#database.iterator(bounds).all();
    return entries.map(([key, value]) => [key.subarray(1), value] as const);
  }

  removeTotals(): Promise<void> {
    return this.#database.clear({ gte: tagged(tags.sums), lt: tagged(tags.end) });
  }

  async checkpoint(mark: Buffer): Promise<void> {
    const base = this.#written;
    const names = await this.#files.list(this.#path);
    const logs = names.filter(({ name }) => name.endsWith('.log'));
    await Promise.all(logs.map(({ name }) => this.#syncLog(`${this.#path}/${name}`)));
    await this.#files.syncDirectory(this.#path);
    const chained = this.#database.batch().put(MARK_KEY, mark).put(BASE_KEY, batchKey(base).subarray(1));
    for (let number = this.#base + 1; number <= base; number += 1) chained.del(batchKey(number));
    await chained.write({ sync: true });
    this.#base = base;
  }

  /** A log of LevelDB that is gone meanwhile has become a table, which LevelDB has synced. */
  async #syncLog(path: string): Promise<void> {
    try {
      const file = await this.#files.open(path, 'read');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  mark(): Buffer | undefined {
    return this.#database.getSync(MARK_KEY);
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

interface Batches {
  readonly base: number;
  readonly last: number;
  readonly isWhole: boolean;
}

/** Which batches the database has: a number that is missing between two was lost with its rows. */
async function readBatches(database: Database): Promise<Batches> {
  const bounds = { gt: BASE_KEY, lt: tagged(tags.row) };
  const base = database.getSync(BASE_KEY)?.readUIntBE(0, 6) ?? 0;
  let last = base;
  let isWhole = true;
  for await (const key of database.keys(bounds)) {
    const number = key.readUIntBE(1, 6);
    if (number !== last + 1) isWhole = false;
    last = number;
  }
  return { base, last, isWhole };
}

function batchKey(number: number): Buffer {
  const key = Buffer.allocUnsafe(BATCH_KEY_BYTES);
  key[0] = tags.batch;
  key.writeUIntBE(number, 1, 6);
  return key;
}

function tagged(tag: Tag, key: Buffer = EMPTY): Buffer {
  const bytes = Buffer.allocUnsafe(1 + key.length);
  bytes[0] = tag;
  bytes.set(key, 1);
  return bytes;
}
