/**
 * The disk of one replica. An append is durable when the fsync that began after it has ended; a crash keeps what was durable and,
 * as page caches do, any beginning of the rest.
 */
import type { AcceptedState } from '#storage-node/protocol/accepted-state.ts';
import type { Dice } from './dice.ts';
import type { Timeline } from './timeline.ts';

type Entry =
  | {
      readonly type: 'record';
      readonly key: string;
      readonly state: AcceptedState;
      readonly durable: () => void;
    }
  | { readonly type: 'ceiling'; readonly ceiling: number; readonly durable: () => void };

export interface DiskOptions {
  readonly syncMsMin: number;
  readonly syncMsMax: number;
}

const CALM: DiskOptions = { syncMsMin: 0.1, syncMsMax: 1 };

export class SimulatedDisk {
  syncs = 0;
  ceiling = 0;
  protected readonly records = new Map<string, AcceptedState>();
  protected entries: Entry[] = [];
  #isSyncing = false;
  /** Raised by a crash: the fsyncs of a life before it end unheard. */
  #life = 0;
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  #options: DiskOptions;

  constructor(timeline: Timeline, dice: Dice, options: DiskOptions) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#options = options;
  }

  /** What is durable. */
  read(key: string): AcceptedState | undefined {
    return this.records.get(key);
  }

  /** Everything durable, by key. */
  durable(): ReadonlyMap<string, AcceptedState> {
    return this.records;
  }

  /** What was appended last, durable or not. */
  latest(key: string): AcceptedState | undefined {
    for (let index = this.entries.length - 1; index >= 0; index -= 1) {
      const entry = this.entries[index];
      if (entry?.type === 'record' && entry.key === key) return entry.state;
    }
    return this.records.get(key);
  }

  append(key: string, state: AcceptedState, durable: () => void): void {
    this.#push({ type: 'record', key, state, durable });
  }

  raiseCeiling(ceiling: number, durable: () => void): void {
    this.#push({ type: 'ceiling', ceiling, durable });
  }

  /** Forgets a key, durably at once. */
  remove(key: string): void {
    this.records.delete(key);
    this.entries = this.entries.filter((entry) => entry.type !== 'record' || entry.key !== key);
  }

  /** Calls `then` when what has been appended so far is durable. */
  whenDurable(then: () => void): void {
    this.raiseCeiling(0, then);
  }

  crash(): void {
    this.#life += 1;
    this.#isSyncing = false;
    const kept = this.#dice.below(this.entries.length + 1);
    for (const entry of this.entries.slice(0, kept)) this.#keep(entry);
    this.entries = [];
  }

  /** From now on every fsync is quick. */
  heal(): void {
    this.#options = CALM;
  }

  #push(entry: Entry): void {
    this.entries.push(entry);
    if (!this.#isSyncing) this.#sync();
  }

  #sync(): void {
    this.#isSyncing = true;
    const life = this.#life;
    const count = this.entries.length;
    const delayMs = this.#dice.between(this.#options.syncMsMin, this.#options.syncMsMax);
    this.#timeline.after(delayMs, () => {
      if (life !== this.#life) return;
      this.syncs += 1;
      const group = this.entries.splice(0, count);
      for (const entry of group) this.#keep(entry);
      this.#isSyncing = false;
      for (const entry of group) entry.durable();
      if (!this.#isSyncing && this.entries.length > 0) this.#sync();
    });
  }

  #keep(entry: Entry): void {
    if (entry.type === 'record') this.records.set(entry.key, entry.state);
    else this.ceiling = Math.max(this.ceiling, entry.ceiling);
  }
}
