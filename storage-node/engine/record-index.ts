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
  /** Every value of the state at the time of the call, in pages. */
  values(): AsyncIterable<Buffer[]>;
  /** Visible when it resolves, not yet durable. One call at a time. */
  write(batch: readonly IndexWrite[]): Promise<void>;
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
