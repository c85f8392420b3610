/**
 * The decided rows of one shard: two replicas (a majority) side by side. A row that both show under one ballot is
 * decided; one on which they differ is read as a register; a folded prefix on which they differ is looked into.
 */
import { type Ballot, compareBallots, sameBallot } from '#common/ballot.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { HoldfastError, hasCode } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import type { ListedRow } from '#storage-node/protocol/messages/list.ts';
import type { ListingEntry, StoredRecord } from '../cluster.ts';
import { ReplicaCursor, type ShardRange } from './replica-cursor.ts';

export interface ShardCursorContext {
  /** Opens a cursor over some majority of the shard's members; called again, with other members, when one fails. */
  readonly open: (range: ShardRange, pageRows: number, attempt: number) => ReplicaCursor[];
  readonly read: (key: RecordKey) => Promise<StoredRecord | undefined>;
  /** Told of a replica that lacks what was decided. */
  readonly behind?: (device: DeviceId, key: RecordKey, ballot: Ballot) => void;
  /** Waits before the next attempt; throws when the listing's time is over. */
  readonly pause: (attempt: number, error: unknown) => Promise<void>;
}

export class ShardCursor {
  readonly #context: ShardCursorContext;
  readonly #pageRows: number;
  readonly #range: ShardRange;
  #cursors: ReplicaCursor[];
  #attempt = 0;
  /** The entry under the cursor, once `prepare` has found it. */
  entry: ListingEntry | undefined;
  /** Its name's bytes, for merging. */
  name: Buffer = Buffer.alloc(0);
  /** What was decided last: the search for the next entry begins behind it. */
  #passed: ListedRow | undefined;

  constructor(context: ShardCursorContext, range: ShardRange, pageRows: number) {
    this.#context = context;
    this.#range = range;
    this.#pageRows = pageRows;
    this.#cursors = context.open(range, pageRows, 0);
  }

  /** Finds the next entry: `entry` is undefined at the end. Synchronous as long as pages last. */
  prepare(): Promise<void> | undefined {
    for (;;) {
      if (this.#needsPage()) return this.#fill().then(() => this.prepare());
      const agreed = this.#agreed();
      if (agreed === undefined) {
        const lowest = this.#lowest();
        this.entry = undefined;
        if (lowest === undefined) return undefined;
        const rows = this.#take(lowest);
        return this.#decide(lowest, rows).then((found) => (found ? undefined : this.prepare()));
      }
      for (const cursor of this.#cursors) cursor.advance();
      if (agreed.live) {
        this.#stand(agreed);
        return undefined;
      }
      this.#passed = agreed;
    }
  }

  /** Where the search for the next entry begins when replicas have to be replaced. */
  get #position(): Buffer {
    const row = this.#passed;
    if (row === undefined) return this.#range.from;
    return Buffer.concat([row.name, Buffer.of(row.witness === undefined ? 0 : 0xff)]);
  }

  #needsPage(): boolean {
    for (const cursor of this.#cursors) if (cursor.needsPage) return true;
    return false;
  }

  #stand(row: ListedRow): void {
    this.name = row.name;
    this.entry =
      row.witness === undefined
        ? { type: 'row', name: row.name.toString(), ballot: row.ballot, summary: row.summary }
        : { type: 'prefix', prefix: row.name.toString() };
    this.#passed = row;
  }

  /** The row with the lowest name; of a name and a fold that are alike, the fold. */
  #lowest(): ListedRow | undefined {
    let lowest: ListedRow | undefined;
    for (const { row } of this.#cursors) {
      if (row !== undefined && (lowest === undefined || row.name.compare(lowest.name) < 0)) lowest = row;
    }
    return lowest;
  }

  /** The row that every replica shows. */
  #agreed(): ListedRow | undefined {
    const first = this.#cursors[0]?.row;
    if (first === undefined) return undefined;
    for (const { row } of this.#cursors) {
      if (row !== first && (row === undefined || !isSameRow(row, first))) return undefined;
    }
    return first;
  }

  /** What each replica shows under the name of a row; it moves behind it. */
  #take({ name }: ListedRow): (ListedRow | undefined)[] {
    return this.#cursors.map((cursor) => {
      const { row } = cursor;
      if (row?.name.equals(name) !== true) return undefined;
      cursor.advance();
      return row;
    });
  }

  async #fill(): Promise<void> {
    try {
      await Promise.all(this.#cursors.filter((cursor) => cursor.needsPage).map((cursor) => cursor.fetch()));
    } catch (error) {
      if (hasCode(error, 'protocol-violation')) throw error;
      this.#attempt += 1;
      await this.#context.pause(this.#attempt, error);
      this.#cursors = this.#context.open(
        { ...this.#range, from: this.#position },
        this.#pageRows,
        this.#attempt,
      );
    }
  }

  /** Settles an entry on which the replicas differ; whether there is one. */
  async #decide(lowest: ListedRow, rows: readonly (ListedRow | undefined)[]): Promise<boolean> {
    if (rows.some((row) => row?.witness !== undefined)) return this.#lookInto(lowest);
    const key = this.#key(lowest.name);
    const devices = this.#cursors.map(({ device }) => device);
    const record = await this.#context.read(key);
    if (record === undefined) {
      this.#passed = lowest;
      return false;
    }
    for (const [at, device] of devices.entries()) {
      const row = rows[at];
      if (row === undefined || compareBallots(row.ballot, record.ballot) < 0)
        this.#context.behind?.(device, key, record.ballot);
    }
    this.#stand({ ...lowest, live: true, ballot: record.ballot, summary: record.summary });
    return true;
  }

  /** Whether any decided name stands under a folded prefix. */
  async #lookInto(fold: ListedRow): Promise<boolean> {
    const end = Buffer.concat([fold.name, Buffer.of(0xff)]);
    // A listing can begin in the middle of the names that are folded.
    const from = this.#position.compare(fold.name) > 0 ? this.#position : fold.name;
    const inside = new ShardCursor(
      this.#context,
      { ...this.#range, from, to: end, delimiter: Buffer.alloc(0) },
      this.#pageRows,
    );
    await inside.prepare();
    for (const cursor of this.#cursors) cursor.skipTo(end);
    if (inside.entry === undefined) {
      this.#passed = { ...fold, witness: fold.name };
      return false;
    }
    this.#stand({ ...fold, live: true, witness: inside.name });
    return true;
  }

  #key(name: Buffer): RecordKey {
    const key = Buffer.concat([this.#range.shardPrefix, name]);
    if (key.length > 0xffff) throw new HoldfastError('protocol-violation', 'a name longer than any');
    return key as RecordKey;
  }
}

function isSameRow(a: ListedRow, b: ListedRow): boolean {
  if (!sameBallot(a.ballot, b.ballot) || !a.name.equals(b.name)) return false;
  if (a.witness === undefined || b.witness === undefined) return a.witness === b.witness;
  // Under a fold without a living name, the summary tells the tombstones: one that is not decided may have a living name behind it.
  return a.witness.equals(b.witness) && a.summary.equals(b.summary);
}
