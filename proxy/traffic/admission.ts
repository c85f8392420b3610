/**
 * Whether one more request is taken. What makes accepted requests slow is not how many are open (a slow sender costs little) but how many
 * answers are owed: the body is here, and nothing has been answered. As many may be owed as are answered within a quarter of a
 * second, measured while there is a queue; so whoever is accepted is answered soon, however much is offered, and the others are told at once.
 * What has been owed for long waits for something of its own (a copy of a large object, nodes that are away) more often than in a queue: it
 * weighs a quarter, so that it does not keep everybody else out.
 *
 * Reads of what is in memory are answered in the turn of the event loop that takes them, and owe nothing: their queue is the sockets that
 * are ready. So a turn takes requests for a quarter of a second, refuses what it finds behind them for as long, and so on.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#common/io/clock.ts';
import { Transients } from '#common/transients.ts';

/** So many may always be owed, and are always taken in one turn, however slow the machine has just been. */
export const OWED_ALWAYS = 256;
const OWED_S = 0.25;
const TURN_MS_MAX = 250;
/** The rate of answers is taken over such a time, and half of what it was before stays in it. */
const WINDOW_MS = 250;
const RATE_AT_FIRST_PER_S = 1000;
const LONG_MS = 2000;
const LONG_WEIGHT = 0.25;
/** Of answers that have been given and wait for their readers, before the process takes no more. */
export const UNSENT_BYTES_MAX = 64 * 2 ** 20;
/** After so many requests, or so long, the answers owed are counted anew. */
const COUNTED_EVERY = 32;
const COUNTED_MS = 20;

export interface AdmittedRequest {
  readonly incoming: Pick<IncomingMessage, 'complete'>;
  readonly response: Pick<ServerResponse, 'headersSent'>;
}

interface Admitted extends AdmittedRequest {
  readonly sinceMs: number;
}

export class Admission {
  readonly #clock: Clock;
  readonly #admittedMax: number;
  readonly #admitted = new Transients<Admitted>();
  #unsentBytes = 0;
  #owed = 0;
  #sinceCount = 0;
  #countedMs = 0;
  #ratePerS = RATE_AT_FIRST_PER_S;
  #answered = 0;
  #windowMs: number | undefined;

  /** Since when the turn lasts in which requests have been asked about. */
  #turnMs: number | undefined;
  /** Since when it takes requests, and how many it has been asked about since. */
  #takingMs = 0;
  #asked = 0;

  /** @param admittedMax requests under way at once, whatever they wait for. */
  constructor(clock: Clock, admittedMax: number) {
    this.#clock = clock;
    this.#admittedMax = admittedMax;
  }

  /**
   * Whether the loop has not come round for long. As long as a thousand sockets are ready at once it never does, and no timer is called:
   * then a request is to wait for the next turn, in which its connection has no other one.
   */
  get isTurnLong(): boolean {
    return this.#turnMs !== undefined && this.#clock.monotonicMs() - this.#turnMs > TURN_MS_MAX;
  }

  /** Whether one that comes now is not taken. */
  refuses(): boolean {
    if (this.#admitted.size >= this.#admittedMax || this.#unsentBytes >= UNSENT_BYTES_MAX) return true;
    if (this.#isLongTurn()) return true;
    if (this.#admitted.size < OWED_ALWAYS) return false;
    return this.#count() >= Math.max(OWED_ALWAYS, this.#ratePerS * OWED_S);
  }

  /** What it gives is to be called, once, when the request is over and its answer has gone out. */
  add({ incoming, response }: AdmittedRequest): () => void {
    const admitted = { incoming, response, sinceMs: this.#clock.monotonicMs() };
    const slot = this.#admitted.add(admitted);
    this.#sinceCount += 1;
    return () => {
      this.#admitted.remove(slot, admitted);
      this.#answered += 1;
    };
  }

  /** Counts what an answer keeps in memory until its reader has taken it; what it gives is to be called, once, then. */
  keep(bytes: number): () => void {
    this.#unsentBytes += bytes;
    return () => {
      this.#unsentBytes -= bytes;
    };
  }

  /** Whether many requests have been taken, and for long, since the loop last came round. */
  #isLongTurn(): boolean {
    this.#asked += 1;
    const nowMs = this.#clock.monotonicMs();
    if (this.#turnMs === undefined) {
      this.#turnMs = nowMs;
      this.#takingMs = nowMs;
      this.#asked = 1;
      setImmediate(() => {
        this.#turnMs = undefined;
      });
    }
    const tookMs = nowMs - this.#takingMs;
    // Thousands of requests take longer than that: it takes and refuses by turns.
    if (tookMs <= 2 * TURN_MS_MAX) return this.#asked > OWED_ALWAYS && tookMs > TURN_MS_MAX;
    this.#takingMs = nowMs;
    this.#asked = 1;
    return false;
  }

  /** What came since the last count is counted as owed until the next: a body may be here with its head. */
  #count(): number {
    const nowMs = this.#clock.monotonicMs();
    if (this.#sinceCount >= COUNTED_EVERY || nowMs - this.#countedMs >= COUNTED_MS) {
      this.#owed = 0;
      for (const { incoming, response, sinceMs } of this.#admitted)
        if (incoming.complete && !response.headersSent)
          this.#owed += nowMs - sinceMs < LONG_MS ? 1 : LONG_WEIGHT;
      this.#sinceCount = 0;
      this.#countedMs = nowMs;
      this.#measure(nowMs);
    }
    return this.#owed + this.#sinceCount;
  }

  /** Only under a queue is what is answered all that can be. */
  #measure(nowMs: number): void {
    if (this.#owed < OWED_ALWAYS / 2 || this.#windowMs === undefined) {
      this.#windowMs = nowMs;
      this.#answered = 0;
      return;
    }
    const tookMs = nowMs - this.#windowMs;
    if (tookMs < WINDOW_MS) return;
    this.#ratePerS = (this.#ratePerS + (this.#answered * 1000) / tookMs) / 2;
    this.#windowMs = nowMs;
    this.#answered = 0;
  }
}
