/**
 * The store of intent: an ordered key-value store with transactions, reads at one revision, watches and leases. The
 * model is etcd's (https://etcd.io/docs/v3.5/learning/api/); docs/formats/control-store.md says what is kept where.
 *
 * Every change raises the store's revision by one, however many keys it touches. Errors:
 * `invalid-argument` (a key, value, range or revision outside of the limits), `revision-compacted`, `lease-unknown`,
 * `store-full`, `overloaded`, `store-unavailable` (nothing has happened), and `outcome-unknown` (a change was on its way when
 * the connection broke: it may have happened, or may yet).
 */
import type { KeyRange } from './key-range.ts';

declare const brand: unique symbol;

/** A lease's number, 1 … 2^63 − 1, in decimal digits. Never used again. */
export type LeaseId = string & { readonly [brand]: 'LeaseId' };

export interface Entry {
  readonly key: string;
  readonly value: Buffer;
  /** The revision in which the key came to be; a key that was deleted and put again has a new one. */
  readonly createRevision: number;
  /** The revision of the last put. */
  readonly modRevision: number;
  /** Puts since it came to be: 1 for the first. */
  readonly version: number;
  /** The lease whose end deletes it. */
  readonly lease: LeaseId | undefined;
}

export type Relation = '=' | '!=' | '<' | '>';

/** What a key that is missing compares with: version, createRevision and modRevision are 0; its value equals none. */
export type Comparison =
  | {
      readonly key: string;
      readonly target: 'version' | 'createRevision' | 'modRevision';
      readonly is: Relation;
      readonly to: number;
    }
  | { readonly key: string; readonly target: 'value'; readonly is: '=' | '!='; readonly to: Buffer };

export type Operation =
  | {
      readonly kind: 'put';
      readonly key: string;
      readonly value: Buffer;
      /** A put without a lease detaches the key from the one that it had. */
      readonly lease?: LeaseId | undefined;
    }
  | { readonly kind: 'delete'; readonly range: KeyRange }
  /** Sees what the operations before it in the same transaction did. */
  | { readonly kind: 'range'; readonly range: KeyRange; readonly limit?: number };

export interface Transaction {
  /** All must hold, or `otherwise` is done. None: always holds. */
  readonly compare?: readonly Comparison[];
  /** A key is changed once at most: putting it twice, or putting and deleting it, is `invalid-argument`. */
  readonly then: readonly Operation[];
  readonly otherwise?: readonly Operation[];
}

export interface RangeResult {
  /** The revision at which the range was read. */
  readonly revision: number;
  /** In the order of their keys' bytes. */
  readonly entries: readonly Entry[];
  /** Whether the range has entries beyond the limit. */
  readonly more: boolean;
}

export type OperationResult =
  | { readonly kind: 'put' }
  | { readonly kind: 'delete'; readonly deleted: number }
  | ({ readonly kind: 'range' } & RangeResult);

export interface TransactionResult {
  /** Whether `then` was done. */
  readonly succeeded: boolean;
  /** The store's revision after it: a new one when it changed something. */
  readonly revision: number;
  /** One for each operation done. */
  readonly results: readonly OperationResult[];
}

export interface RangeOptions {
  /** Reads as the store was then; the newest when left out. */
  readonly revision?: number;
  /** Entries that are given at most; all when left out. */
  readonly limit?: number;
}

export type WatchEvent =
  | { readonly kind: 'put'; readonly entry: Entry }
  | { readonly kind: 'delete'; readonly key: string; readonly modRevision: number };

export interface WatchBatch {
  /** All changes of the range up to this revision have been given with this batch. */
  readonly revision: number;
  /** By revision; those of one revision are never split over two batches, and have no order among themselves. */
  readonly events: readonly WatchEvent[];
}

/** Iterated once. It ends when it is closed, and throws `revision-compacted` when history that it needs is gone. */
export interface Watch extends AsyncIterable<WatchBatch> {
  close(): void;
}

export interface Lease {
  readonly id: LeaseId;
  /** What was granted, which may be longer than what was asked for. */
  readonly ttlSeconds: number;
}

export interface Store {
  /** All or nothing, linearizable; durable when it resolves. */
  transact(transaction: Transaction): Promise<TransactionResult>;
  /** Linearizable without `revision`. Below the compacted revision: `revision-compacted`. */
  range(range: KeyRange, options?: RangeOptions): Promise<RangeResult>;
  /**
   * Every change of the range from `fromRevision` on, each once, as it happens; a connection that breaks is made anew.
   * Usually `fromRevision` is one more than the revision of a range that was read before.
   */
  watch(range: KeyRange, fromRevision: number): Watch;
  /** @param ttlSeconds a whole number, 1 … 1,000,000; the keys go when so much has passed without keepAlive. */
  grantLease(ttlSeconds: number): Promise<Lease>;
  /** The lease's time begins anew. `lease-unknown` when it has ended. */
  keepAlive(lease: LeaseId): Promise<void>;
  /** Ends the lease and deletes its keys, in one revision. */
  revokeLease(lease: LeaseId): Promise<void>;
  /** Drops what only reads and watches below `revision` would need. Below an earlier one: does nothing. */
  compact(revision: number): Promise<void>;
  /** What is under way is answered; watches end. */
  close(): Promise<void>;
}
