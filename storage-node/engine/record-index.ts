/** The index seam: an ordered cache of rows that may lose its newest writes, and knows up to where it has not. docs/formats/index.md. */

export interface IndexWrite {
  readonly key: Buffer;
  /** The row's bytes; undefined removes the key. */
  readonly value: Buffer | undefined;
}

export type IndexEntry = readonly [key: Buffer, value: Buffer];

export interface RecordIndex {
  get(key: Buffer): Buffer | undefined;
  /**
   * Entries with from ≤ key < to, in order of bytes, at most `limit`, of the state at the time of the call.
   * The buffers are the caller's.
   */
  range(from: Buffer, to: Buffer, limit: number): Promise<IndexEntry[]>;
  /** Every row of the state at the time of the call, in order, in pages. */
  entries(): AsyncIterable<IndexEntry[]>;
  /** The sums of a shard. */
  sums(shard: Buffer): Buffer | undefined;
  /** The counts of the device and its segments. */
  counts(): Promise<IndexEntry[]>;
  /** Rows, the sums of shards, and counts, as one: visible when it resolves, not yet durable. One call at a time. */
  write(
    rows: readonly IndexWrite[],
    sums: readonly IndexWrite[],
    counts: readonly IndexWrite[],
  ): Promise<void>;
  /** Removes all sums and counts. */
  removeTotals(): Promise<void>;
  /** Whether, when it was opened, it had every write up to some moment and none behind it. */
  readonly isWhole: boolean;
  /** Makes every write that has resolved durable, and then `mark`. */
  checkpoint(mark: Buffer): Promise<void>;
  /** The last durable mark. */
  mark(): Buffer | undefined;
  close(): Promise<void>;
}

/** Where an index is kept. */
export interface IndexStore {
  /** Opens it, making an empty one when there is none; throws when it is damaged. */
  open(): Promise<RecordIndex>;
  /** Removes it, damaged or not. */
  remove(): Promise<void>;
}
