/** Rows of one shard for a listing, with names folded at a delimiter: `messages/list.ts` has the grammar. */
import { SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import type { DeviceEngine, IndexRow } from '../engine/device-engine.ts';
import {
  LIST_BYTES_MAX,
  type List,
  type ListedRow,
  type Rows,
  listedRowBytes,
} from '../protocol/messages/list.ts';

/** Rows asked of the index at once: enough to pay for the iterator, few enough to throw away when a fold skips them. */
const BATCH_ROWS_MAX = 1000;
const EMPTY = Buffer.alloc(0);
/** Sorts behind every UTF-8 text. */
const LAST = Buffer.of(0xff);

export async function listRows(engine: DeviceEngine, query: List): Promise<Rows> {
  const listing = new FoldedListing(query);
  let from = query.from;
  while (from.compare(query.to) < 0) {
    const limit = Math.min(
      BATCH_ROWS_MAX,
      query.delimiter.length > 0 ? 200 : query.limit - listing.count + 1,
    );
    const batch = await engine.rows({ from, to: query.to, limit });
    for (const row of batch) {
      if (!listing.take(row)) return { type: 'rows', rows: listing.rows, more: true };
    }
    const last = batch.at(-1);
    if (last === undefined || batch.length < limit) break;
    from = listing.continueBehind(last.key);
  }
  return { type: 'rows', rows: listing.rows, more: false };
}

class FoldedListing {
  readonly rows: ListedRow[] = [];
  readonly #query: List;
  #bytes = 0;
  /** Keys below this stand under a folded prefix that has been listed. */
  #skipBelow: Buffer = EMPTY;

  constructor(query: List) {
    this.#query = query;
  }

  get count(): number {
    return this.rows.length;
  }

  /** Whether there was room for the row, or no need of it. */
  take(row: IndexRow): boolean {
    if (this.#skipBelow.length > 0 && row.key.compare(this.#skipBelow) < 0) return true;
    const name = row.key.subarray(SHARD_PREFIX_BYTES);
    const folded = this.#fold(name);
    // A tombstone stands for no name of its fold; a replica that has the name alive shows another witness.
    if (folded !== undefined && !row.live) return true;
    const { live, ballot, summary } = row;
    const listed: ListedRow =
      folded === undefined
        ? { name, live, ballot, summary, witness: undefined }
        : { name: folded, live: true, ballot, summary: EMPTY, witness: name };
    const bytes = listedRowBytes(listed);
    if (this.rows.length >= this.#query.limit || this.#bytes + bytes > LIST_BYTES_MAX) return false;
    this.#bytes += bytes;
    this.rows.push(listed);
    if (folded !== undefined) {
      this.#skipBelow = Buffer.concat([row.key.subarray(0, SHARD_PREFIX_BYTES), folded, LAST]);
    }
    return true;
  }

  continueBehind(key: Buffer): Buffer {
    const behind = Buffer.concat([key, Buffer.of(0)]);
    return behind.compare(this.#skipBelow) < 0 ? this.#skipBelow : behind;
  }

  #fold(name: Buffer): Buffer | undefined {
    const { delimiter, foldOffset } = this.#query;
    if (delimiter.length === 0) return undefined;
    const at = name.indexOf(delimiter, foldOffset);
    return at < 0 ? undefined : name.subarray(0, at + delimiter.length);
  }
}
