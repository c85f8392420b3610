/**
 * A lease that this process holds for as long as it runs. It knows until when it may rely on it: keys that hang on the
 * lease are there until then, whatever happens to the store or to the line to it.
 */
import { hasCode } from '#common/errors.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { LeaseId, Store } from './store.ts';

/** A lease is kept alive so many times within its time. */
const KEPT_ALIVE_TIMES = 3;
const RETRY_MS = 500;

export interface HeldLeaseOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ttlSeconds: number;
  /** Told when the lease has ended, or may have: what was done under it must stop. Another one is being asked for. */
  readonly onLost?: (lease: LeaseId) => void;
  /** Told of each new lease, the first one too: keys are put again. */
  readonly onHeld?: (lease: LeaseId) => void;
}

export class HeldLease {
  readonly #options: HeldLeaseOptions;
  #lease: LeaseId | undefined;
  /** On the monotonic clock. */
  #untilMs = 0;
  #ttlMs = 0;
  #closed = false;
  #step: Timer | undefined;
  #end: Timer | undefined;

  /** Asks for the lease at once, and again until it has one. */
  constructor(options: HeldLeaseOptions) {
    this.#options = options;
    void this.#renew();
  }

  /** The lease, while it may be relied upon. */
  get current(): LeaseId | undefined {
    return this.#options.clock.monotonicMs() < this.#untilMs ? this.#lease : undefined;
  }

  /** Gives the lease back: its keys go at once. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#step?.cancel();
    this.#end?.cancel();
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease === undefined) return;
    try {
      await this.#options.store.revokeLease(lease);
    } catch {
      // It ends by itself.
    }
  }

  async #renew(): Promise<void> {
    const { store, clock, ttlSeconds } = this.#options;
    // The store counts from when it hears of it, which is later.
    const askedMs = clock.monotonicMs();
    let nextMs = RETRY_MS;
    try {
      if (this.#lease === undefined) {
        const granted = await store.grantLease(ttlSeconds);
        if (this.#closed) return void store.revokeLease(granted.id).catch(() => {});
        this.#hold(granted.id, granted.ttlSeconds * 1000, askedMs);
        this.#options.onHeld?.(granted.id);
      } else {
        const lease = this.#lease;
        await store.keepAlive(lease);
        if (!this.#closed && this.#lease === lease) this.#hold(lease, this.#ttlMs, askedMs);
      }
      nextMs = this.#ttlMs / KEPT_ALIVE_TIMES;
    } catch (error) {
      if (hasCode(error, 'lease-unknown')) this.#lose();
    }
    if (!this.#closed) this.#step = clock.after(nextMs, () => void this.#renew());
  }

  #hold(lease: LeaseId, ttlMs: number, fromMs: number): void {
    const { clock } = this.#options;
    this.#lease = lease;
    this.#ttlMs = ttlMs;
    this.#untilMs = fromMs + ttlMs;
    this.#end?.cancel();
    this.#end = clock.after(this.#untilMs - clock.monotonicMs(), () => this.#lose());
  }

  #lose(): void {
    this.#end?.cancel();
    const lease = this.#lease;
    if (lease === undefined) return;
    this.#lease = undefined;
    this.#untilMs = 0;
    this.#options.onLost?.(lease);
  }
}
