/** The state of a register as the protocol carries it; the engine keeps the same. */
import type { Ballot } from '#common/ballot.ts';

/** One applied operation in a register's history. */
export interface AppliedOperation {
  /** 16 random bytes as hexadecimal digits. */
  readonly id: string;
  /** The ballot under which it was first proposed. */
  readonly ballot: Ballot;
}

export interface AcceptedState {
  readonly ballot: Ballot;
  /** Operations applied, oldest first; at most 32. */
  readonly history: readonly AppliedOperation[];
  /** No operation with a ballot above this has left the history. */
  readonly horizon: Ballot;
  /** A tombstone has no summary and no content. */
  readonly live: boolean;
  /** What a listing shows of the record; at most 4 KiB. */
  readonly summary: Buffer;
  /** The record itself with a small object's body; at most 960 KiB. */
  readonly content: Buffer;
}
