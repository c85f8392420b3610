/**
 * Hands devices what they missed, when they are back: works through the hints of each device in the background, waits longer and
 * longer for one that is away, and gives up on a hint that fails again and again. A scrub or a comparison of whole shards would tell this
 * of what it finds, as reads and writes do.
 */
import { HoldfastError } from '#common/errors.ts';
import type { Timer } from '#common/io/clock.ts';
import type { BlobId, DeviceId } from '#common/ids.ts';
import type { Records } from '../cluster.ts';
import type { ClusterContext } from '../context.ts';
import { Throttle } from '../rebalance/throttle.ts';
import type { Ticker } from '../ticker.ts';
import { type Hint, Hints, type NoticedMisses, type RecordHint } from './hints.ts';
import { repairBlob } from './repair-blob.ts';
import { repairRecord } from './repair-record.ts';

/** First: a replica that is merely slower than the others has caught up by then. Most: between two tries at a device that is away. */
const TIMES: RepairTimes = { waitMsMin: 2000, waitMsMax: 30_000 };
const AT_ONCE = 8;
const FAILURES_MAX = 5;
const BYTES_PER_SECOND = 32 << 20;

export interface RepairTimes {
  readonly waitMsMin: number;
  readonly waitMsMax: number;
}

export interface RepairFigures {
  /** Hints that wait. */
  readonly waiting: number;
  readonly repairedRecords: number;
  readonly repairedBlobs: number;
  /** Hints that found no room, or failed too often. */
  readonly dropped: number;
}

export class Repairer implements NoticedMisses {
  readonly #context: ClusterContext;
  readonly #ticker: Ticker;
  readonly #records: Records;
  readonly #throttle: Throttle;
  readonly #times: RepairTimes;
  readonly #hints = new Hints((device) => this.#wait(device, this.#times.waitMsMin));
  readonly #timers = new Map<DeviceId, Timer>();
  readonly #failures = new WeakMap<Hint, number>();
  readonly #running = new Set<Promise<void>>();
  #repairedRecords = 0;
  #repairedBlobs = 0;
  #givenUp = 0;
  readonly #stop = new AbortController();

  constructor(context: ClusterContext, ticker: Ticker, records: Records, times: RepairTimes = TIMES) {
    this.#times = times;
    this.#context = context;
    this.#ticker = ticker;
    this.#records = records;
    this.#throttle = new Throttle(context.clock, BYTES_PER_SECOND);
  }

  get figures(): RepairFigures {
    return {
      waiting: this.#hints.count,
      repairedRecords: this.#repairedRecords,
      repairedBlobs: this.#repairedBlobs,
      dropped: this.#hints.dropped + this.#givenUp,
    };
  }

  record(device: DeviceId, hint: Omit<RecordHint, 'type'>): void {
    if (!this.#closed) this.#hints.record(device, hint);
  }

  blob(device: DeviceId, id: BlobId): void {
    if (!this.#closed) this.#hints.blob(device, id);
  }

  get #closed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Forgets what waits. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const timer of this.#timers.values()) timer.cancel();
    await Promise.all(this.#running);
  }

  #wait(device: DeviceId, waitMs: number): void {
    this.#timers.set(
      device,
      this.#context.clock.after(waitMs, () => {
        const running = this.#work(device, waitMs).finally(() => this.#running.delete(running));
        this.#running.add(running);
      }),
    );
  }

  async #work(device: DeviceId, waitedMs: number): Promise<void> {
    for (;;) {
      const hints = this.#hints.oldest(device, AT_ONCE);
      if (hints.length === 0 || this.#closed) return;
      const failed = (await Promise.all(hints.map((hint) => this.#repair(device, hint)))).includes(false);
      if (this.#closed) return;
      if (!failed) continue;
      this.#wait(device, Math.min(this.#times.waitMsMax, waitedMs * 2));
      return;
    }
  }

  /** Whether the hint has been dealt with. */
  async #repair(device: DeviceId, hint: Hint): Promise<boolean> {
    try {
      if (hint.type === 'record') {
        if (await repairRecord(this.#context, this.#ticker, device, hint)) this.#repairedRecords += 1;
      } else {
        const { signal } = this.#stop;
        const context = {
          cluster: this.#context,
          records: this.#records,
          throttle: this.#throttle,
          signal,
        };
        if (await repairBlob(context, device, hint.id)) this.#repairedBlobs += 1;
      }
    } catch (error) {
      if (isAway(error)) return false;
      const failures = (this.#failures.get(hint) ?? 0) + 1;
      this.#failures.set(hint, failures);
      if (failures < FAILURES_MAX) return false;
      this.#givenUp += 1;
    }
    this.#hints.remove(device, hint);
    return true;
  }
}

/** Waiting helps. */
function isAway(error: unknown): boolean {
  const codes = ['peer-unavailable', 'quorum-unavailable', 'overloaded', 'ring-outdated', 'device-full'];
  return error instanceof HoldfastError && codes.includes(error.code);
}
