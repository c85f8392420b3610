/**
 * What a service sees of the store: linearizable records, listings of them, and bodies in stripes.
 * Keys, summaries and contents are the service's own; the cluster moves bytes and decides order.
 */
import type { Ballot } from '#common/ballot.ts';
import type { RecordKey, RecordKind } from '#common/codec/record-key.ts';
import type { BlobId, SpaceId } from '#common/ids.ts';
import type { Counted } from '#storage-node/protocol/accepted-state.ts';

export type { Counted };

export interface StoredRecord {
  readonly ballot: Ballot;
  readonly summary: Buffer;
  readonly content: Buffer;
}

/**
 * What a mutation does with what it found. `result` is handed to the caller once the decision is durable on a
 * majority; for `keep`, once what was seen is known to be decided.
 */
export type Decision<Result> =
  | {
      readonly action: 'write';
      readonly summary: Buffer;
      readonly content: Buffer;
      /** What the record adds to `Listings.count`; nothing when left out. */
      readonly counted?: Counted;
      readonly result: Result;
    }
  | { readonly action: 'remove'; readonly result: Result }
  | { readonly action: 'keep'; readonly result: Result };

export interface Records {
  /** The latest decided record, or undefined. Linearizable. Throws `quorum-unavailable`. */
  read(key: RecordKey): Promise<StoredRecord | undefined>;
  /**
   * Reads, decides and writes as one atomic step. `decide` may be called more than once (after a refusal) and must
   * have no effect of its own; `ballot` is the one the new record will bear (`ballotTimeMs` of it is its time).
   * Throws `quorum-unavailable` and `outcome-unknown`; what `decide` throws passes through, with nothing written.
   */
  mutate<Result>(
    key: RecordKey,
    decide: (current: StoredRecord | undefined, ballot: Ballot) => Decision<Result>,
  ): Promise<Result>;
}

/** Where a listing goes on: behind a name, or behind every name that begins with a prefix. */
export type ListingStart =
  | { readonly after: string }
  | { readonly afterPrefix: string }
  | { readonly from: string };

export interface ListingQuery {
  readonly space: SpaceId;
  readonly kind: RecordKind;
  /** The space's shards of this kind: numbers 0 … shards − 1. */
  readonly shards: number;
  /** Only names that begin so; '' for all. */
  readonly prefix: string;
  /** Names that hold this after the prefix are folded into one entry; '' for none. */
  readonly delimiter: string;
  readonly start?: ListingStart;
  /** Most entries (rows and folded prefixes together), 1 … 10,000. */
  readonly limit: number;
}

export type ListingEntry =
  | { readonly type: 'row'; readonly name: string; readonly ballot: Ballot; readonly summary: Buffer }
  | { readonly type: 'prefix'; readonly prefix: string };

export interface ListingPage {
  /** In order of the names' UTF-8 bytes, over all shards. */
  readonly entries: ListingEntry[];
  /** Whether an entry follows the last one. */
  readonly more: boolean;
}

export type CountQuery = Pick<ListingQuery, 'space' | 'kind' | 'shards'>;

export interface Listings {
  /** Every row is as linearizable as a read of its record within the call; a page is no snapshot. */
  list(query: ListingQuery): Promise<ListingPage>;
  /**
   * The sums of what the space's records of a kind are `counted` for, without reading them: the replicas keep them. A shard's are
   * exact for one moment within the call; they are no snapshot over the shards. Only while a shard of more than 10,000 records is
   * written to faster than its replicas can be seen to agree may its figures miss what is being written (docs/formats/index.md, "Sums").
   * Throws `quorum-unavailable`.
   */
  count(query: CountQuery): Promise<Counted>;
}

/** One stripe of a body, in the body's order. */
export interface Stripe {
  readonly id: BlobId;
  readonly lengthBytes: number;
}

export interface BodyWriter {
  /**
   * Resolves when `chunk`'s memory may be used again (this is the back-pressure). Calls may overlap: the bytes follow each
   * other as the calls do. Once one has failed, none may follow but `abort`.
   */
  write(chunk: Buffer): Promise<void>;
  /** Resolves when every stripe is durable on a majority of its replicas. */
  finish(): Promise<Stripe[]>;
  /** Gives up and removes what was written; never throws. */
  abort(): Promise<void>;
}

/**
 * Takes a body's next bytes. They are a recycled buffer's: it belongs to the callee until the promise resolves, and
 * never after.
 */
export type BodySink = (chunk: Buffer) => Promise<void>;

export interface Bodies {
  /** @param owner the key of the record that will refer to the body (the sweep asks it). */
  write(owner: RecordKey): BodyWriter;
  /**
   * Sends bytes `start` … `end` (excluded) of the concatenated stripes to `sink`, verified. A replica that fails is
   * replaced by another in mid-stream. Throws when none has the bytes, or when `signal` aborts.
   */
  read(
    stripes: readonly Stripe[],
    start: number,
    end: number,
    sink: BodySink,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Removes the stripes after the grace period that lets running reads finish; returns at once. */
  release(stripes: readonly Stripe[]): void;
}

export interface Cluster {
  readonly records: Records;
  readonly listings: Listings;
  readonly bodies: Bodies;
}
