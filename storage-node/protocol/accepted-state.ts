/** The state of a register as the protocol carries it; the engine keeps the same. */
import type { Ballot } from '#common/ballot.ts';
import { HoldfastError } from '#common/errors.ts';

/** One applied operation in a register's history. */
export interface AppliedOperation {
  /** 16 random bytes as hexadecimal digits. */
  readonly id: string;
  /** The ballot under which it was first proposed. */
  readonly ballot: Ballot;
}

/** What a record adds to the sums of its shard. */
export interface Counted {
  /** 0 … 255; an object counts 1, what is no object to a client 0. */
  readonly objects: number;
  /** 0 … 2^48 − 1. */
  readonly bytes: number;
}

export const NOTHING_COUNTED: Counted = Object.freeze({ objects: 0, bytes: 0 });
export const COUNTED_OBJECTS_MAX = 0xff;
export const COUNTED_BYTES_MAX = 2 ** 48 - 1;

export interface AcceptedState {
  readonly ballot: Ballot;
  /** Operations applied, oldest first; at most 32. */
  readonly history: readonly AppliedOperation[];
  /** No operation with a ballot above this has left the history. */
  readonly horizon: Ballot;
  /** A tombstone has no summary and no content. */
  readonly live: boolean;
  /** A tombstone counts nothing. */
  readonly counted: Counted;
  /** What a listing shows of the record; at most 4 KiB. */
  readonly summary: Buffer;
  /** The record itself with a small object's body; at most 960 KiB. */
  readonly content: Buffer;
}

/** Throws `invalid-argument`. */
export function checkCounted({ objects, bytes }: Counted): void {
  if (!isWithin(objects, COUNTED_OBJECTS_MAX) || !isWithin(bytes, COUNTED_BYTES_MAX)) {
    throw new HoldfastError('invalid-argument', `a record that counts ${objects} objects and ${bytes} bytes`);
  }
}

function isWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
