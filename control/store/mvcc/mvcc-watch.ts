/** A watch of a store in this process. It keeps no queue: what it has not given yet is read from the state's past. */
import { HoldfastError } from '#common/errors.ts';
import type { KeyRange } from '../key-range.ts';
import type { Watch, WatchBatch } from '../store.ts';
import type { MvccState } from './mvcc-state.ts';

const BATCH_EVENTS_MAX = 1000;

export class MvccWatch implements Watch {
  readonly #state: MvccState;
  readonly #range: KeyRange;
  readonly #onEnd: () => void;
  #next: number;
  #durableRevision = 0;
  #closed = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(state: MvccState, range: KeyRange, fromRevision: number, onEnd: () => void) {
    this.#state = state;
    this.#range = range;
    this.#next = Math.max(1, fromRevision);
    this.#onEnd = onEnd;
  }

  /** Everything up to `durableRevision` may be shown. */
  advance(durableRevision: number): void {
    this.#durableRevision = durableRevision;
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
    this.#onEnd();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchBatch> {
    try {
      while (!this.#closed) {
        if (this.#failure) throw this.#failure;
        if (this.#next <= this.#state.compactedRevision) throw new HoldfastError('revision-compacted');
        if (this.#next > this.#durableRevision) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          continue;
        }
        const batch = this.#state.changes(this.#range, this.#next, this.#durableRevision, BATCH_EVENTS_MAX);
        this.#next = batch.revision + 1;
        if (batch.events.length > 0) yield batch;
      }
    } finally {
      this.#onEnd();
    }
  }
}
