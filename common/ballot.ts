/**
 * Ballots of the registers: a hybrid logical clock and the writer that made it, totally ordered (Kulkarni et al.,
 * "Logical Physical Clocks", OPODIS 2014; Rystsov, "CASPaxos", arXiv 1802.07000).
 *
 * The clock is `milliseconds since 1970 × 2048 + counter`, an integer that a double holds exactly until the year 2109.
 */
export type Ballot = {
  readonly clock: number;
  /** 48 random bits, drawn when a writer's process starts. */
  readonly writer: number;
};

export const TICKS_PER_MS = 2048;
export const BALLOT_BYTES = 14;
export const ZERO_BALLOT: Ballot = Object.freeze({ clock: 0, writer: 0 });

export function compareBallots(a: Ballot, b: Ballot): number {
  return a.clock - b.clock || a.writer - b.writer;
}

export function sameBallot(a: Ballot, b: Ballot): boolean {
  return a.clock === b.clock && a.writer === b.writer;
}

/** Milliseconds since 1970 at which the ballot was made, by its writer's clock. */
export function ballotTimeMs(ballot: Ballot): number {
  return Math.floor(ballot.clock / TICKS_PER_MS);
}

/** Layout: clock (8 bytes) then writer (6 bytes), both big-endian, so that bytes sort as ballots do. */
export function writeBallot(into: Buffer, offset: number, ballot: Ballot): number {
  into.writeUInt32BE(Math.floor(ballot.clock / 0x1_0000_0000), offset);
  into.writeUInt32BE(ballot.clock % 0x1_0000_0000, offset + 4);
  into.writeUIntBE(ballot.writer, offset + 8, 6);
  return offset + BALLOT_BYTES;
}

export function readBallot(from: Buffer, offset: number): Ballot {
  const clock = from.readUInt32BE(offset) * 0x1_0000_0000 + from.readUInt32BE(offset + 4);
  return { clock, writer: from.readUIntBE(offset + 8, 6) };
}

/** A writer's hybrid clock: always ahead of what it has given and of what has refused it. */
export class BallotClock {
  readonly writer: number;
  readonly #nowMs: () => number;
  #last = 0;

  constructor(writer: number, nowMs: () => number) {
    if (!Number.isInteger(writer) || writer < 0 || writer >= 2 ** 48)
      throw new RangeError(`not a writer id: ${writer}`);
    this.writer = writer;
    this.#nowMs = nowMs;
  }

  next(): Ballot {
    this.#last = Math.max(this.#last + 1, this.#nowMs() * TICKS_PER_MS);
    return { clock: this.#last, writer: this.writer };
  }

  /** Moves past a ballot that refused one of ours. */
  witness(clock: number): void {
    if (clock > this.#last) this.#last = clock;
  }
}
