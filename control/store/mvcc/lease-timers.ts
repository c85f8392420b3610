/** When leases end: one timer, for the one that ends first. Counted on the monotonic clock, so that no step of the wall ends any. */
import type { Clock, Timer } from '#common/io/clock.ts';
import type { LeaseId } from '../store.ts';

export class LeaseTimers {
  readonly #clock: Clock;
  readonly #ended: (id: LeaseId) => void;
  readonly #endsAtMs = new Map<LeaseId, number>();
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, ended: (id: LeaseId) => void) {
    this.#clock = clock;
    this.#ended = ended;
  }

  /** The lease's time begins now. */
  begin(id: LeaseId, ttlSeconds: number): void {
    const endMs = this.#clock.monotonicMs() + ttlSeconds * 1000;
    this.#endsAtMs.set(id, endMs);
    if (endMs < this.#timerAtMs) this.#arm(endMs);
  }

  forget(id: LeaseId): void {
    this.#endsAtMs.delete(id);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#endsAtMs.clear();
  }

  #arm(atMs: number): void {
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.after(Math.max(1, atMs - this.#clock.monotonicMs()), () => this.#ring());
  }

  #ring(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [id, endMs] of this.#endsAtMs) {
      if (endMs <= nowMs) {
        this.#endsAtMs.delete(id);
        this.#ended(id);
      } else nextMs = Math.min(nextMs, endMs);
    }
    if (nextMs < this.#timerAtMs) this.#arm(nextMs);
  }
}
