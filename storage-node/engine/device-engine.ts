/**
 * What one device offers to the roles above it: records by key, rows in order, blobs, and the ceiling of its promises.
 * The engine knows nothing of quorums; whoever calls it keeps writes to one key in order.
 */
import type { Ballot } from '#common/ballot.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import type { BlobId } from '#common/ids.ts';
import type { AcceptedState, AppliedOperation, Counted } from '../protocol/accepted-state.ts';

export type { AcceptedState, AppliedOperation, Counted };

/** A record as the index has it. */
export interface IndexRow {
  readonly key: RecordKey;
  /** The key's bytes behind its shard, where somebody has made that view already. */
  readonly name?: Buffer;
  readonly ballot: Ballot;
  readonly live: boolean;
  readonly summary: Buffer;
  /** A row with its name is shown by listings as it stands (`messages/list.ts`): it folds nothing. */
  readonly witness?: undefined;
}

export interface RowRange {
  /** First key, included. */
  readonly from: Buffer;
  /** End of the range, excluded. */
  readonly to: Buffer;
  /** Most rows to return, 1 … 10,000. */
  readonly limit: number;
  /** Whether the rows will be read again soon, and are worth keeping in memory. */
  readonly keeps?: boolean;
}

/** Receives a blob's bytes in order. Nothing is visible, and nothing is kept after a crash, before `commit` returns. */
export interface BlobSink {
  /**
   * Resolves when `chunks` may be used again by the caller. One call at a time; what comes in one call goes to the disk in one.
   * @param blockSums of the blocks that end in these chunks, as `BlockSummer` makes them: with every call, or with none.
   */
  write(chunks: readonly Buffer[], blockSums?: readonly number[]): Promise<void>;
  /**
   * Makes the blob durable under its name (write temporary, fsync, rename, fsync folder).
   * @param openBlockSum of a last block that is shorter than the others, when sums were given.
   */
  commit(openBlockSum?: number): Promise<void>;
  /** Forgets what was written; safe at any time, also after a failure. */
  abort(): Promise<void>;
}

/** An open blob; it stays readable although the blob is deleted meanwhile. */
export interface BlobSource {
  readonly lengthBytes: number;
  /**
   * Reads `length` bytes at `position` into `into` at `offset`, each verified against its block's checksum.
   * Throws `data-corrupt` and returns nothing of a block that fails.
   */
  read(into: Buffer, offset: number, length: number, position: number): Promise<void>;
  close(): Promise<void>;
}

export interface BlobInfo {
  readonly id: BlobId;
  readonly lengthBytes: number;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  /** The key of the record that was to refer to the blob when it was made. */
  readonly owner: RecordKey;
}

/** What the live rows of a shard add up to, and a digest that tells which rows they are: docs/formats/index.md, "Sums". */
export interface ShardSums {
  readonly objects: number;
  readonly bytes: number;
  /** 64 bits. */
  readonly digest: bigint;
}

export type DeviceHealth = 'ok' | 'full' | 'failed';

export interface DeviceUsage {
  readonly health: DeviceHealth;
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly records: number;
  readonly tombstones: number;
  readonly blobs: number;
  readonly blobBytes: number;
  readonly logBytes: number;
  /** Bytes of the log that the index no longer refers to. */
  readonly logDeadBytes: number;
  /** Groups of entries that were synced since the device was opened, one sync each; an engine without a log has none. */
  readonly logGroups?: number;
  readonly logEntries?: number;
}

export interface DeviceEngine {
  /** The highest ceiling that was made durable before this start: promises up to here may have been given. */
  readonly floor: number;

  /** The accepted state, or undefined. Synchronous: index, then one read that the page cache is expected to hold. */
  readRecord(key: RecordKey): AcceptedState | undefined;
  /** The ballot, and whether it is a record or a tombstone: from the index alone. */
  readRow(key: RecordKey): Pick<IndexRow, 'ballot' | 'live'> | undefined;
  /**
   * Appends the state; returns when it is durable (group commit) and `readRecord` gives it. Throws `device-full`,
   * `device-failed`.
   */
  writeRecord(key: RecordKey, state: AcceptedState): Promise<void>;
  /** Removes a tombstone's last trace when its ballot is still `ballot`. */
  purgeRecord(key: RecordKey, ballot: Ballot): Promise<void>;
  /** Removes a record or tombstone that this device is to hold no more, when its ballot is still `ballot`. */
  dropRecord(key: RecordKey, ballot: Ballot): Promise<void>;
  /** @param shard the 19 bytes that the keys begin with. Synchronous, as `readRow`. Throws `data-corrupt`. */
  sums(shard: Buffer): ShardSums;
  /** Rows with from ≤ key < to, in order of bytes, tombstones too. */
  rows(range: RowRange): Promise<IndexRow[]>;

  /** Makes `clock` durable as the ceiling of promises (group commit). */
  raiseCeiling(clock: number): Promise<void>;

  /**
   * Throws `blob-exists`, `device-full`, `device-failed`, and `overloaded` while somebody else writes it.
   * @param uncached whether reads are expected of another replica: the bytes need not be in the page cache. All go through it when left out.
   */
  createBlob(id: BlobId, owner: RecordKey, uncached?: boolean): Promise<BlobSink>;
  /** Throws `blob-missing`, `data-corrupt`. */
  openBlob(id: BlobId): Promise<BlobSource>;
  /** Whether there was one. Space is free when the last reader closes. */
  deleteBlob(id: BlobId): Promise<boolean>;
  /** Blobs with ids above `after`, in order of ids. */
  listBlobs(after: BlobId | undefined, limit: number): Promise<BlobInfo[]>;
  /** Their ids alone: no blob is opened, so that one that is damaged is among them. */
  blobIds(after: BlobId | undefined, limit: number): Promise<BlobId[]>;

  usage(): Promise<DeviceUsage>;
  /** Finishes what is under way, then closes. */
  close(): Promise<void>;
}
