/** What the state of a store in this process leaves on a disk, and finds there again. */
import type { LeaseId } from '../store.ts';

/** One key as of one revision. */
export interface Version {
  readonly revision: number;
  readonly createRevision: number;
  readonly version: number;
  readonly lease: LeaseId | undefined;
  /** None: the key was deleted in this revision. */
  readonly value: Buffer | undefined;
}

export type JournalRecord =
  | { readonly kind: 'version'; readonly key: string; readonly version: Version }
  | { readonly kind: 'lease'; readonly id: LeaseId; readonly ttlSeconds: number }
  | { readonly kind: 'lease-ended'; readonly id: LeaseId }
  /** What compaction takes away, and up to where it went. */
  | { readonly kind: 'dropped'; readonly key: string; readonly revision: number }
  | { readonly kind: 'compacted'; readonly revision: number };

export interface Journal {
  /**
   * Resolves when all of the records are durable; after a crash all are there, or none.
   * @param revision of the store, with them.
   */
  write(records: readonly JournalRecord[], revision: number): Promise<void>;
  close(): Promise<void>;
}

/** Remembers nothing. */
export const noJournal: Journal = { write: () => Promise.resolve(), close: () => Promise.resolve() };
