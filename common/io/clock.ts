/** The clock seam. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970; may step. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start; never steps back. */
  monotonicMs(): number;
  /** Calls `then` once, after `delayMs`. Does not keep the process alive by itself. */
  after(delayMs: number, then: () => void): Timer;
}
