/** The index in LevelDB: docs/formats/index.md. */
import { rm } from 'node:fs/promises';
import { Level } from 'level';
import type { Files } from '#common/io/files.ts';
import { isMissing } from './device-state.ts';
import type { IndexEntry, IndexStore, IndexWrite, RecordIndex } from './record-index.ts';

/** Shorter than any record's key, so it is none. */
const MARK_KEY = Buffer.from([0]);
const CACHE_BYTES = 32 * 1024 * 1024;
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;
/** What an iterator brings from LevelDB at once. */
const ITERATOR_BYTES = 4 * 1024 * 1024;
const PAGE_ROWS = 1000;

type Database = Level<Buffer, Buffer>;

/** @param files syncs LevelDB's own log; LevelDB itself goes to the machine's disk whatever is passed. */
export function levelIndexStore(path: string, files: Files): IndexStore {
  return {
    open: async () => {
      const database: Database = new Level<Buffer, Buffer>(path, {
        keyEncoding: 'buffer',
        valueEncoding: 'buffer',
        cacheSize: CACHE_BYTES,
        writeBufferSize: WRITE_BUFFER_BYTES,
      });
      await database.open();
      return new LevelIndex(database, path, files);
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

class LevelIndex implements RecordIndex {
  readonly #database: Database;
  readonly #path: string;
  readonly #files: Files;

  constructor(database: Database, path: string, files: Files) {
    this.#database = database;
    this.#path = path;
    this.#files = files;
  }

  get(key: Buffer): Buffer | undefined {
    return this.#database.getSync(key);
  }

  async range(from: Buffer, to: Buffer, limit: number): Promise<IndexEntry[]> {
    const iterator = this.#database.iterator({
      gte: from,
      lt: to,
      // One more, in case the mark is among them.
      limit: limit + 1,
      highWaterMarkBytes: ITERATOR_BYTES,
    });
    const entries: IndexEntry[] = [];
    try {
      // Usually one page: asking for the whole limit at once spares the trip that would find nothing more.
      for (;;) {
        const page = await iterator.nextv(limit + 1 - entries.length);
        for (const entry of page) entries.push(entry);
        if (page.length === 0 || entries.length > limit) break;
      }
    } finally {
      await iterator.close();
    }
    if (entries[0]?.[0].length === MARK_KEY.length) entries.shift();
    else if (entries.length > limit) entries.pop();
    return entries;
  }

  async *values(): AsyncIterable<Buffer[]> {
    const iterator = this.#database.values({ gt: MARK_KEY, highWaterMarkBytes: ITERATOR_BYTES });
    try {
      for (;;) {
        // Page after page of one snapshot.
        const page = await iterator.nextv(PAGE_ROWS);
        if (page.length === 0) return;
        yield page;
      }
    } finally {
      await iterator.close();
    }
  }

  write(batch: readonly IndexWrite[]): Promise<void> {
    const chained = this.#database.batch();
    for (const { key, value } of batch) {
      if (value) chained.put(key, value);
      else chained.del(key);
    }
    return chained.write();
  }

  async checkpoint(mark: Buffer): Promise<void> {
    const names = await this.#files.list(this.#path);
    const logs = names.filter(({ name }) => name.endsWith('.log'));
    await Promise.all(logs.map(({ name }) => this.#syncLog(`${this.#path}/${name}`)));
    await this.#files.syncDirectory(this.#path);
    await this.#database.put(MARK_KEY, mark, { sync: true });
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
