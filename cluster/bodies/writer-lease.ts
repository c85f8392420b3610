/** Tells the cluster that this process writes bodies, and tells it when the cluster may have taken it for dead: docs/formats/writer-record.md. */
import { HoldfastError } from '#common/errors.ts';
import type { Timer } from '#common/io/clock.ts';
import type { Records } from '../cluster.ts';
import type { ClusterContext } from '../context.ts';
import { encodeWriter, writerKey, writerName } from './writer-record.ts';

const RENEWALS_PER_LEASE = 8;
const RENEWAL_MS_MAX = 60_000;
const EMPTY = Buffer.alloc(0);

interface Moment {
  readonly monotonicMs: number;
  readonly nowMs: number;
}

export class WriterLease {
  readonly name: string;
  readonly leaseMs: number;
  readonly #context: ClusterContext;
  readonly #records: Records;
  /** When the last renewal that succeeded was begun; before the first, the start: until then there is nothing old to sweep. */
  #renewed: Moment;
  /** When this process last found that its lease had lapsed, monotonic. */
  #lapsedMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #started = false;
  #closed = false;

  constructor(context: ClusterContext, records: Records, leaseMs: number) {
    this.#context = context;
    this.#records = records;
    this.leaseMs = leaseMs;
    this.name = writerName(context.ballots.writer);
    this.#renewed = this.#now();
  }

  /** Begins to renew; does nothing when it has begun. */
  start(): void {
    if (this.#started || this.#closed) return;
    this.#started = true;
    void this.#renew();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Throws `quorum-unavailable` when stripes that have been written since `startedMs` (monotonic) may have been swept. */
  check(startedMs: number): void {
    this.#look();
    if (startedMs <= this.#lapsedMs) {
      throw new HoldfastError(
        'quorum-unavailable',
        'this process was away for so long that it was taken for dead',
      );
    }
  }

  #now(): Moment {
    const { clock } = this.#context;
    return { monotonicMs: clock.monotonicMs(), nowMs: clock.nowMs() };
  }

  #look(): void {
    const now = this.#now();
    const passedMs = Math.max(now.monotonicMs - this.#renewed.monotonicMs, now.nowMs - this.#renewed.nowMs);
    if (passedMs > this.leaseMs / 2) this.#lapsedMs = now.monotonicMs;
  }

  async #renew(): Promise<void> {
    const began = this.#now();
    try {
      const summary = encodeWriter({ renewedMs: began.nowMs, leaseMs: this.leaseMs });
      await this.#records.mutate(writerKey(this.name), () => ({
        action: 'write',
        summary,
        content: EMPTY,
        result: undefined,
      }));
      this.#look();
      this.#renewed = began;
    } catch {
      // The next one may succeed; when none does, `check` says so.
    }
    if (this.#closed) return;
    const everyMs = Math.min(RENEWAL_MS_MAX, this.leaseMs / RENEWALS_PER_LEASE);
    this.#timer = this.#context.clock.after(everyMs, () => void this.#renew());
  }
}
