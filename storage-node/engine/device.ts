/** One device: the log, the index in front of it, and the blobs. */
import { type Ballot, sameBallot } from '#common/ballot.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import type { BlobId } from '#common/ids.ts';
import type { FileLock } from '#common/io/files.ts';
import type { BlobStore } from './blob-store.ts';
import type { Compaction } from './compaction.ts';
import type {
  AcceptedState,
  BlobInfo,
  BlobSink,
  BlobSource,
  DeviceEngine,
  DeviceUsage,
  IndexRow,
  RowRange,
  ShardSums,
} from './device-engine.ts';
import { saveCounts } from './device-counts.ts';
import type { DeviceState } from './device-state.ts';
import { lanes } from './group-commit.ts';
import { decodeState, encodeCeiling, encodePurge, encodeRecord, entryKey } from './log-format.ts';
import type { Log } from './log.ts';
import type { OpenDeviceOptions } from './open-device.ts';
import type { RecordTable } from './record-table.ts';
import type { Row, RowHead } from './index-row.ts';

const ROWS_MAX = 10_000;
/** A checkpoint of the index is due when this much of the log would have to be replayed without it. */
const CHECKPOINT_LOG_BYTES = 32 * 1024 * 1024;
/** Or so many entries: small ones cost as much to replay. */
const CHECKPOINT_ENTRIES = 20_000;

/** What `openDevice` puts together. */
export interface DeviceParts {
  readonly options: OpenDeviceOptions;
  readonly state: DeviceState;
  readonly log: Log;
  readonly table: RecordTable;
  readonly blobs: BlobStore;
  readonly compaction: Compaction;
  readonly lock: FileLock;
  readonly floor: number;
  /** The durable ceiling, shared with the log, whose new segments carry it. */
  readonly ceiling: { clock: number };
  /** What is still being counted in the background. */
  readonly counting: Promise<unknown>;
}

export class Device implements DeviceEngine {
  readonly floor: number;
  readonly #parts: DeviceParts;
  #logBytesSinceCheckpoint = 0;
  #entriesSinceCheckpoint = 0;
  #checkpointing: Promise<void> | undefined;
  #closed = false;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
    this.floor = parts.floor;
  }

  readRecord(key: RecordKey): AcceptedState | undefined {
    const { state, table, log } = this.#parts;
    state.check();
    const row = table.get(key);
    if (!row) return undefined;
    const entry = log.read(row);
    if (!entryKey(entry).equals(key)) {
      throw new HoldfastError('data-corrupt', 'the index refers to the record of another key');
    }
    return decodeState(entry);
  }

  readRow(key: RecordKey): Pick<IndexRow, 'ballot' | 'live'> | undefined {
    this.#parts.state.check();
    return this.#parts.table.get(key);
  }

  async writeRecord(key: RecordKey, accepted: AcceptedState): Promise<void> {
    const { state, table, log } = this.#parts;
    // A tombstone is how space is freed: the reserve is kept for it.
    if (accepted.live) state.checkRoom();
    else state.check();
    if (table.isBehind) throw new HoldfastError('overloaded', 'the index cannot keep up');
    const entry = encodeRecord(key, accepted);
    const written = entryKey(entry.head);
    const { ballot, live, counted, summary } = accepted;
    await log.append(lanes.write, entry, (segment, offset, length) => {
      this.#put(written, { segment, offset, length, ballot, live, counted, summary });
    });
  }

  purgeRecord(key: RecordKey, ballot: Ballot): Promise<void> {
    return this.#remove(key, ballot, (row) => !row.live && sameBallot(row.ballot, ballot));
  }

  dropRecord(key: RecordKey, ballot: Ballot): Promise<void> {
    return this.#remove(key, ballot, (row) => sameBallot(row.ballot, ballot));
  }

  async #remove(key: RecordKey, ballot: Ballot, isWanted: (row: RowHead) => boolean): Promise<void> {
    const { state, table, log } = this.#parts;
    state.check();
    const isThere = (): boolean => {
      const row = table.get(key);
      return row !== undefined && isWanted(row);
    };
    if (!isThere()) return;
    const entry = encodePurge(key, ballot);
    const purged = entryKey(entry.head);
    const placed = (segment: number, offset: number, length: number): void => {
      table.remove(purged);
      table.counts.addPurge(segment, offset, length);
      this.#written(length);
    };
    await log.append(lanes.purge, entry, placed, isThere);
  }

  sums(shard: Buffer): ShardSums {
    this.#parts.state.check();
    return this.#parts.table.sums(shard);
  }

  async rows(range: RowRange): Promise<IndexRow[]> {
    this.#parts.state.check();
    if (!Number.isInteger(range.limit) || range.limit < 1 || range.limit > ROWS_MAX) {
      throw new HoldfastError(
        'invalid-argument',
        `a range has a limit of 1 … ${ROWS_MAX}, not ${range.limit}`,
      );
    }
    return this.#parts.table.rows(range);
  }

  async raiseCeiling(clock: number): Promise<void> {
    const { state, log, ceiling } = this.#parts;
    state.check();
    if (clock <= ceiling.clock) return;
    await log.append(lanes.write, encodeCeiling(clock), (_segment, _offset, length) => {
      ceiling.clock = Math.max(ceiling.clock, clock);
      this.#written(length);
    });
  }

  createBlob(id: BlobId, owner: RecordKey, uncached?: boolean): Promise<BlobSink> {
    return this.#parts.blobs.create(id, owner, uncached);
  }

  openBlob(id: BlobId): Promise<BlobSource> {
    return this.#parts.blobs.open(id);
  }

  deleteBlob(id: BlobId): Promise<boolean> {
    return this.#parts.blobs.delete(id);
  }

  listBlobs(after: BlobId | undefined, limit: number): Promise<BlobInfo[]> {
    return this.#parts.blobs.list(after, limit);
  }

  blobIds(after: BlobId | undefined, limit: number): Promise<BlobId[]> {
    return this.#parts.blobs.ids(after, limit);
  }

  async usage(): Promise<DeviceUsage> {
    const { state, table, log, blobs } = this.#parts;
    const space = await state.space();
    const logBytes = log.sizeBytes;
    return {
      health: state.health,
      totalBytes: space.totalBytes,
      freeBytes: space.freeBytes,
      records: Math.max(0, table.counts.records),
      tombstones: Math.max(0, table.counts.tombstones),
      blobs: Math.max(0, blobs.counts.blobs),
      blobBytes: Math.max(0, blobs.counts.blobBytes),
      logBytes,
      logDeadBytes: Math.max(0, logBytes - table.counts.usedBytes),
      logGroups: log.commits.groups,
      logEntries: log.commits.entries,
    };
  }

  /** Resolves when the blobs have been counted, which opening began, and `usage` is exact. */
  async counted(): Promise<void> {
    await this.#parts.counting;
  }

  /** Compacts the segment that is most worth it now; false when none is. The device does so by itself. */
  async compactOne(): Promise<boolean> {
    this.#parts.state.check();
    return this.#parts.compaction.compactOne();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { state, log, table, compaction, lock, counting } = this.#parts;
    await compaction.stop();
    await this.#checkpointing;
    await log.drain();
    await counting;
    try {
      if (!state.failed) await this.#saveAll();
    } finally {
      await log.close();
      await table.close();
      await lock.release();
    }
  }

  async #saveAll(): Promise<void> {
    const { options, log, table, blobs, ceiling } = this.#parts;
    await table.checkpoint({ ...log.end, ceiling: ceiling.clock });
    if (blobs.counted) await saveCounts(options.files, options.path, table.counts, blobs.counts);
  }

  #put(key: Buffer, row: Row): void {
    this.#parts.table.put(key, row);
    this.#written(row.length);
  }

  #written(bytes: number): void {
    this.#logBytesSinceCheckpoint += bytes;
    this.#entriesSinceCheckpoint += 1;
    const isDue =
      this.#logBytesSinceCheckpoint >= CHECKPOINT_LOG_BYTES ||
      this.#entriesSinceCheckpoint >= CHECKPOINT_ENTRIES;
    if (!isDue || this.#checkpointing) return;
    this.#logBytesSinceCheckpoint = 0;
    this.#entriesSinceCheckpoint = 0;
    // Behind the group that is being placed, so that its end is where everything has been put.
    this.#checkpointing = Promise.resolve()
      .then(() => {
        const { table, log, ceiling } = this.#parts;
        return table.checkpoint({ ...log.end, ceiling: ceiling.clock });
      })
      .catch(() => undefined)
      .finally(() => {
        this.#checkpointing = undefined;
      });
  }
}
