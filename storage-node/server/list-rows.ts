/** Rows of one shard for a listing, with names folded at a delimiter: `messages/list.ts` has the grammar. */
import { type Hash, createHash } from 'node:crypto';
import { BALLOT_BYTES, type Ballot, writeBallot } from '#common/ballot.ts';
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
/** Of the digest of a folded prefix's tombstones. */
const DIGEST_BYTES = 16;
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
    const batch = await engine.rows({ from, to: query.to, limit, keeps: true });
    for (const row of batch) {
      if (!listing.take(row)) return { type: 'rows', rows: listing.finish(), more: true };
    }
    const last = batch.at(-1);
    if (last === undefined || batch.length < limit) break;
    from = listing.continueBehind(last.key);
  }
  return { type: 'rows', rows: listing.finish(), more: false };
}

/** A folded prefix under which only tombstones have been found so far: the last of the rows. */
interface DeadFold {
  readonly name: Buffer;
  readonly digest: Hash;
}

class FoldedListing {
  readonly #rows: ListedRow[] = [];
  readonly #query: List;
  #bytes = 0;
  /** Keys below this stand under a folded prefix that has been listed. */
  #skipBelow: Buffer = EMPTY;
  #deadFold: DeadFold | undefined;

  constructor(query: List) {
    this.#query = query;
  }

  get count(): number {
    return this.#rows.length;
  }

  /** What has been listed; nothing is taken behind it. */
  finish(): readonly ListedRow[] {
    this.#endFold();
    return this.#rows;
  }

  /** Whether there was room for the row, or no need of it. */
  take(row: IndexRow): boolean {
    if (this.#skipBelow.length > 0 && row.key.compare(this.#skipBelow) < 0) return true;
    const name = row.name ?? row.key.subarray(SHARD_PREFIX_BYTES);
    const folded = this.#fold(name);
    if (folded !== undefined && this.#deadFold?.name.equals(folded) === true) {
      this.#takeIntoFold(this.#deadFold, row, name);
      return true;
    }
    this.#endFold();
    const { live } = row;
    const listed = folded === undefined ? asListed(row, name) : foldedRow(row, folded, name);
    const bytes = listedRowBytes(listed);
    if (this.#rows.length >= this.#query.limit || this.#bytes + bytes > LIST_BYTES_MAX) return false;
    this.#bytes += bytes;
    this.#rows.push(listed);
    if (folded !== undefined) {
      if (live) this.#skip(row.key, folded);
      else this.#deadFold = { name: folded, digest: digestWith(createHash('sha256'), name, row.ballot) };
    }
    return true;
  }

  continueBehind(key: Buffer): Buffer {
    const behind = Buffer.concat([key, Buffer.of(0)]);
    return behind.compare(this.#skipBelow) < 0 ? this.#skipBelow : behind;
  }

  /**
   * Replicas that disagree on a tombstone under a prefix must show it, although the prefix stands on none of them: the name may be
   * alive on the others, and the tombstone never be decided.
   */
  #takeIntoFold(fold: DeadFold, row: IndexRow, name: Buffer): void {
    if (!row.live) {
      digestWith(fold.digest, name, row.ballot);
      return;
    }
    this.#deadFold = undefined;
    this.#replaceLast({ name: fold.name, live: true, ballot: row.ballot, summary: EMPTY, witness: name });
    this.#skip(row.key, fold.name);
  }

  #endFold(): void {
    const last = this.#rows.at(-1);
    if (this.#deadFold === undefined || last === undefined) return;
    const summary = this.#deadFold.digest.digest().subarray(0, DIGEST_BYTES);
    this.#deadFold = undefined;
    this.#replaceLast({ ...last, summary });
  }

  #replaceLast(row: ListedRow): void {
    const last = this.#rows.pop();
    if (last !== undefined) this.#bytes -= listedRowBytes(last);
    this.#bytes += listedRowBytes(row);
    this.#rows.push(row);
  }

  #skip(key: Buffer, folded: Buffer): void {
    this.#skipBelow = Buffer.concat([key.subarray(0, SHARD_PREFIX_BYTES), folded, LAST]);
  }

  #fold(name: Buffer): Buffer | undefined {
    const { delimiter, foldOffset } = this.#query;
    if (delimiter.length === 0) return undefined;
    const at = name.indexOf(delimiter, foldOffset);
    return at < 0 ? undefined : name.subarray(0, at + delimiter.length);
  }
}

/** A row that is kept in memory is shown as it is. */
function asListed(row: IndexRow, name: Buffer): ListedRow {
  if (isListed(row)) return row;
  const { live, ballot, summary } = row;
  return { name, live, ballot, summary, witness: undefined };
}

function isListed(row: IndexRow): row is IndexRow & ListedRow {
  return row.name !== undefined && 'witness' in row;
}

function foldedRow({ live, ballot }: IndexRow, folded: Buffer, name: Buffer): ListedRow {
  return { name: folded, live, ballot, summary: EMPTY, witness: name };
}

function digestWith(digest: Hash, name: Buffer, ballot: Ballot): Hash {
  const tail = Buffer.allocUnsafe(1 + BALLOT_BYTES);
  tail[0] = 0xff;
  writeBallot(tail, 1, ballot);
  return digest.update(name).update(tail);
}
