/** A clock that moves only when it is told to. */
import type { Clock, Timer } from './clock.ts';

/** 2026-01-01, so that a test's times look like times. */
export const MANUAL_START_MS = Date.UTC(2026, 0, 1);

type Due = { readonly atMs: number; readonly order: number; readonly then: () => void };

export class ManualClock implements Clock {
  #monotonicMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  readonly #due = new Set<Due>();

  /** @param startMs what `nowMs` gives at first, milliseconds since 1970. */
  constructor(startMs: number = MANUAL_START_MS) {
    this.#wallOffsetMs = startMs;
  }

  nowMs(): number {
    return Math.floor(this.#wallOffsetMs + this.#monotonicMs);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, then: () => void): Timer {
    this.#order += 1;
    const due: Due = { atMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order, then };
    this.#due.add(due);
    return { cancel: () => void this.#due.delete(due) };
  }

  /** Lets `durationMs` pass: what falls due is called in order of time, with the clock at that time. */
  advance(durationMs: number): void {
    const endMs = this.#monotonicMs + durationMs;
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#due.delete(next);
      this.#monotonicMs = next.atMs;
      next.then();
    }
    this.#monotonicMs = endMs;
  }

  /** Goes straight to the next timer and calls it; false when there is none. */
  advanceToNext(): boolean {
    const next = this.#next(Number.POSITIVE_INFINITY);
    if (!next) return false;
    this.advance(next.atMs - this.#monotonicMs);
    return true;
  }

  /** Steps what `nowMs` gives, as a correction of the machine's clock does; timers and `monotonicMs` know nothing of it. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  get pendingTimers(): number {
    return this.#due.size;
  }

  #next(endMs: number): Due | undefined {
    let first: Due | undefined;
    for (const due of this.#due) {
      if (due.atMs > endMs) continue;
      if (!first || due.atMs < first.atMs || (due.atMs === first.atMs && due.order < first.order))
        first = due;
    }
    return first;
  }
}
