/**
 * The rows of a device as they are now: the index, and in front of it what the index has not taken yet.
 *
 * Nothing here is durable by itself; what is put is already in the log.
 */
import type { RecordKey } from '#common/codec/record-key.ts';
import { SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import type { Clock } from '#common/io/clock.ts';
import { TransientMap } from '#common/transients.ts';
import type { IndexRow, RowRange, ShardSums } from './device-engine.ts';
import type { ReportEvent } from './device-events.ts';
import type { DeviceMemory } from './device-memory.ts';
import type { DeviceState } from './device-state.ts';
import { KeyFilter } from './key-filter.ts';
import {
  type Checkpoint,
  type Row,
  type RowHead,
  decodeRow,
  encodeCheckpoint,
  encodeRow,
} from './index-row.ts';
import type { Location } from './log-format.ts';
import type { RecordCounts } from './record-counts.ts';
import type { IndexEntry, IndexWrite, RecordIndex } from './record-index.ts';
import { RowCache } from './row-cache.ts';
import { RowRuns, type RunsBudget } from './row-runs.ts';
import { SumsTable } from './sums-table.ts';

/** Read at once where a listing goes on behind a run: the next page goes on there, too. */
const READ_AHEAD_ROWS = 256;
/** Rows wait for each other this long, so that LevelDB gets few large batches and a key that changes often is written once. */
const FLUSH_DELAY_MS = 100;
const FLUSH_ROWS = 1024;
/** Rows that may wait for LevelDB; it is far behind when they do. */
const PENDING_ROWS_MAX = 65_536;

export interface RecordTableOptions {
  readonly index: RecordIndex;
  /** Whether it has no row yet, and many are about to be put. */
  readonly isEmpty?: boolean;
  /** What the index has of them. */
  readonly counts: RecordCounts;
  readonly clock: Clock;
  readonly state: DeviceState;
  readonly report: ReportEvent;
  readonly memory: DeviceMemory;
  /** Shared with other devices, or not. */
  readonly runs: RunsBudget;
}

export class RecordTable {
  readonly counts: RecordCounts;
  readonly #options: RecordTableOptions;
  readonly #cache: RowCache;
  readonly #runs: RowRuns;
  /** null: the key is to be removed. */
  readonly #pending = new TransientMap<string, Row | null>();
  readonly #sums: SumsTable;
  /** Keys that were put into an index that was empty, as long as it is being filled. */
  #seen: KeyFilter | undefined;
  #flushing: Promise<void> | undefined;
  #flushDue = false;
  #marking: Promise<void> = Promise.resolve();
  #marked: Checkpoint | undefined;
  #spoiled = false;
  /** Whether the index knows that it is spoiled. */
  #spoiledMarked = false;

  constructor(options: RecordTableOptions) {
    this.#options = options;
    this.counts = options.counts;
    this.#seen = options.isEmpty === true ? new KeyFilter() : undefined;
    this.#cache = new RowCache(options.memory.rowCacheBytes);
    this.#runs = new RowRuns(options.runs);
    this.#sums = new SumsTable((shard) => this.#find(() => options.index.sums(shard)));
  }

  get isBehind(): boolean {
    return this.#pending.size > PENDING_ROWS_MAX;
  }

  get pendingRows(): number {
    return this.#pending.size;
  }

  /** Throws `data-corrupt` when the index's row is damaged. */
  get(key: Buffer): RowHead | undefined {
    const known = this.#cache.get(key);
    if (known !== undefined) return known ?? undefined;
    // A row that the cache has lost, and the index has not taken yet.
    const pending = this.#pending.get(key.toString('latin1'));
    if (pending !== undefined) return pending ?? undefined;
    const bytes = this.#lookUp(key);
    const row = bytes && this.#decode(bytes);
    this.#cache.set(key, row ?? null);
    return row;
  }

  isAt(key: Buffer, place: Omit<Location, 'length'>): boolean {
    const row = this.get(key);
    return row?.segment === place.segment && row.offset === place.offset;
  }

  /** `row.summary` and the key are copied. */
  put(key: Buffer, row: Row): void {
    this.#change(key, { ...row, summary: Buffer.from(row.summary) });
  }

  remove(key: Buffer): void {
    this.#change(key, null);
  }

  /** Throws `data-corrupt` when a row or sums were found damaged since the device was opened. */
  sums(shard: Buffer): ShardSums {
    try {
      return this.#sums.get(shard);
    } finally {
      if (this.#sums.isDamaged) this.#spoiled = true;
    }
  }

  /** In order of bytes, tombstones too. */
  async rows(range: RowRange): Promise<IndexRow[]> {
    if (range.keeps !== true) return this.#read(range);
    const { limit } = range;
    const rows: IndexRow[] = [];
    let start = range.from.toString('latin1');
    const end = range.to.toString('latin1');
    for (;;) {
      const gap = this.#runs.read(start, end, limit, rows);
      if (gap === undefined) return rows;
      const wanted = limit - rows.length;
      const bounds = { from: Buffer.from(gap.from, 'latin1'), to: Buffer.from(gap.to, 'latin1') };
      const most = gap.from === start ? wanted : Math.max(wanted, READ_AHEAD_ROWS);
      // Each gap is read where the one before it ended.
      const found = await this.#readInto(gap, { ...bounds, limit: most });
      for (let at = 0; at < found.length && at < wanted; at += 1) rows.push(found[at] as IndexRow);
      if (rows.length === limit || found.length === most) return rows;
      start = gap.to;
    }
  }

  /** Reads a gap between the runs, and keeps it as one. */
  async #readInto(gap: { readonly from: string; readonly to: string }, range: RowRange): Promise<IndexRow[]> {
    const loading = this.#runs.begin(gap.from, gap.to);
    try {
      const found = await this.#read(range);
      this.#runs.loaded(loading, found, found.length < range.limit);
      return found;
    } catch (error) {
      this.#runs.failed(loading);
      throw error;
    }
  }

  async #read(range: RowRange): Promise<IndexRow[]> {
    const start = range.from.toString('latin1');
    const end = range.to.toString('latin1');
    const waiting: [string, Row | null][] = [];
    for (const entry of this.#pending) {
      if (entry[0] >= start && entry[0] < end) waiting.push(entry);
    }
    // Taken in the same turn as what waits: no row can be in neither.
    const found = await this.#options.index.range(range.from, range.to, range.limit + waiting.length);
    if (waiting.length === 0) return found.map((entry) => this.#indexRow(entry));
    waiting.sort((a, b) => (a[0] < b[0] ? -1 : 1));
    return this.#merged(found, waiting).slice(0, range.limit);
  }

  /** Resolves when every row put so far is in the index, and what they add up to. */
  async flush(): Promise<void> {
    while (this.#flushing) {
      await this.#flushing;
    }
    if (this.#pending.size === 0 && !this.counts.isChanged) return;
    this.#flushing = this.#write().finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  /**
   * Makes the index trustworthy up to `checkpoint`, which is where the log ends now: everything in front of it has been put.
   */
  async checkpoint(checkpoint: Checkpoint): Promise<void> {
    await this.flush();
    try {
      await this.#mark(checkpoint);
    } catch (error) {
      throw this.#options.state.writeFailed(error);
    }
  }

  /**
   * One mark after the other, and none behind the one that is there: what an older one needs of the log may have been removed.
   * @param checkpoint undefined for the mark of an index that is not to be trusted.
   */
  #mark(checkpoint: Checkpoint | undefined): Promise<void> {
    const marked = this.#marking.then(async () => {
      const isTrusted = checkpoint !== undefined && !this.#spoiled;
      if (isTrusted && this.#marked !== undefined && isBehind(checkpoint, this.#marked)) return;
      await this.#options.index.checkpoint(isTrusted ? encodeCheckpoint(checkpoint) : Buffer.alloc(0));
      if (isTrusted) this.#marked = checkpoint;
    });
    this.#marking = marked.catch(() => undefined);
    return marked;
  }

  /** The log has been replayed: an index that was empty is filled. */
  filled(): void {
    this.#seen = undefined;
  }

  close(): Promise<void> {
    this.#runs.clear();
    return this.#options.index.close();
  }

  #change(key: Buffer, row: Row | null): void {
    const name = key.toString('latin1');
    const before = this.#before(name, key);
    if (before) this.counts.subtract(before);
    if (row) this.counts.add(row);
    this.#sums.change(name, key, before, row);
    if (this.#sums.isDamaged) this.#spoiled = true;
    this.#cache.set(key, row);
    this.#runs.change(name, row);
    this.#pending.set(name, row);
    if (this.#pending.size >= FLUSH_ROWS) this.#flushSoon(0);
    else this.#flushSoon(FLUSH_DELAY_MS);
  }

  /** The row that is about to be replaced; one that is damaged cannot be counted and is gone with the change. */
  #before(name: string, key: Buffer): RowHead | undefined {
    if (this.#seen?.add(name) === true) return undefined;
    try {
      return this.get(key);
    } catch {
      this.#sums.damaged();
      return undefined;
    }
  }

  #flushSoon(delayMs: number): void {
    if (delayMs === 0) {
      if (!this.#flushing) this.#flushInBackground();
      return;
    }
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.#options.clock.after(delayMs, () => {
      this.#flushDue = false;
      if (!this.#flushing) this.#flushInBackground();
    });
  }

  #flushInBackground(): void {
    if (this.#options.state.failed) return;
    this.flush().catch((error: unknown) => this.#options.state.fail(error));
  }

  async #write(): Promise<void> {
    const batch: IndexWrite[] = [];
    const written = Array.from(this.#pending);
    for (const [name, row] of written) {
      batch.push({ key: Buffer.from(name, 'latin1'), value: row ? encodeRow(row) : undefined });
    }
    const sums = this.#sums.take();
    const counts = this.counts.take();
    try {
      if (this.#spoiled && !this.#spoiledMarked) await this.#markSpoiled();
      await this.#options.index.write(batch, sums, counts);
    } catch (error) {
      throw this.#options.state.fail(error);
    }
    this.#sums.written();
    for (const [name, row] of written) {
      // What changed while the batch was written goes with the next.
      if (this.#pending.get(name) === row) this.#pending.delete(name);
    }
    if (this.#pending.size > 0) this.#flushSoon(FLUSH_DELAY_MS);
  }

  /** Before anything is written whose sums may be wrong: the next start makes the index anew, whenever it comes. */
  async #markSpoiled(): Promise<void> {
    await this.#mark(undefined);
    this.#spoiledMarked = true;
  }

  #lookUp(key: Buffer): Buffer | undefined {
    return this.#find(() => this.#options.index.get(key));
  }

  #find(find: () => Buffer | undefined): Buffer | undefined {
    try {
      return find();
    } catch (error) {
      throw this.#options.state.fail(error);
    }
  }

  #decode(bytes: Buffer): Row {
    try {
      return decodeRow(bytes);
    } catch (error) {
      this.#spoiled = true;
      this.#options.report({ type: 'data-corrupt', where: 'index', bytes: bytes.length });
      throw error;
    }
  }

  #indexRow(entry: IndexEntry): IndexRow {
    const { ballot, live, summary } = this.#decode(entry[1]);
    return { key: asKey(entry[0]), ballot, live, summary };
  }

  #merged(found: readonly IndexEntry[], waiting: readonly [string, Row | null][]): IndexRow[] {
    const merged: IndexRow[] = [];
    let next = 0;
    for (const [name, row] of waiting) {
      const key = Buffer.from(name, 'latin1');
      let order = -1;
      while (next < found.length) {
        const entry = found[next] as IndexEntry;
        order = entry[0].compare(key);
        if (order >= 0) break;
        merged.push(this.#indexRow(entry));
        next += 1;
      }
      if (next < found.length && order === 0) next += 1;
      if (row) merged.push({ key: asKey(key), ballot: row.ballot, live: row.live, summary: row.summary });
    }
    for (const entry of found.slice(next)) merged.push(this.#indexRow(entry));
    return merged;
  }
}

function isBehind(one: Checkpoint, other: Checkpoint): boolean {
  return one.segment < other.segment || (one.segment === other.segment && one.offset < other.offset);
}

function asKey(bytes: Buffer): RecordKey {
  if (bytes.length < SHARD_PREFIX_BYTES) throw new RangeError('not a record key');
  return bytes as RecordKey;
}
