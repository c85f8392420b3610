/**
 * The blobs that are being sent to a device, by the epoch under which they began. A blob that was begun under an epoch that has passed
 * may still become durable here, so whoever copies the partition must know of it. For a moment after a change uploads of the epoch before are
 * begun still: their senders can't send again what they have sent before they hear of the new ring.
 */
import type { Clock } from '#common/io/clock.ts';
import type { Route } from '../protocol/messages/message.ts';

/** Longer than a process takes to see a new ring. */
const RETIRING_MS = 2000;

export class UploadLedger {
  readonly #clock: Clock;
  readonly #retiringMs: number;
  /** Numbers of uploads, by partition and then by epoch. An epoch that is being retired counts as one. */
  readonly #open = new Map<number, Map<number, number>>();
  readonly #retiring = new Map<number, number>();

  constructor(clock: Clock, retiringMs = RETIRING_MS) {
    this.#clock = clock;
    this.#retiringMs = retiringMs;
  }

  /** Call what it returns, once, when the upload has ended. */
  begin({ partition, epoch }: Route): () => void {
    this.#count(partition, epoch, 1);
    let ended = false;
    return () => {
      if (!ended) this.#count(partition, epoch, -1);
      ended = true;
    };
  }

  /** The partition has another epoch from now on. */
  retire({ partition, epoch }: Route): void {
    this.#retiring.set(partition, epoch);
    const end = this.begin({ partition, epoch });
    this.#clock.after(this.#retiringMs, () => {
      if (this.#retiring.get(partition) === epoch) this.#retiring.delete(partition);
      end();
    });
  }

  /** Whether an upload may still begin under this epoch, although it has passed. */
  takes({ partition, epoch }: Route): boolean {
    return this.#retiring.get(partition) === epoch;
  }

  /** Uploads under epochs before the route's. */
  before({ partition, epoch }: Route): number {
    let count = 0;
    for (const [each, uploads] of this.#open.get(partition) ?? []) if (each < epoch) count += uploads;
    return count;
  }

  #count(partition: number, epoch: number, step: number): void {
    const epochs = this.#open.get(partition) ?? new Map<number, number>();
    this.#open.set(partition, epochs);
    const count = (epochs.get(epoch) ?? 0) + step;
    if (count > 0) epochs.set(epoch, count);
    else epochs.delete(epoch);
    if (epochs.size === 0) this.#open.delete(partition);
  }
}
