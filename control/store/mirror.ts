/**
 * A copy of a range in this process, kept up by a watch: for what is asked so often that no store is asked for it. It is as
 * old as the store's last word; while the store cannot be reached it goes on with what it has.
 */
import type { Clock } from '#common/io/clock.ts';
import { hasCode } from '#common/errors.ts';
import type { KeyRange } from './key-range.ts';
import { entriesOf } from './operations.ts';
import type { Entry, Store, Watch, WatchEvent } from './store.ts';

const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 2000;

export interface MirrorOptions {
  readonly store: Store;
  readonly range: KeyRange;
  readonly clock: Clock;
  /** Told of each change after it is in `entries`; what it throws ends the mirror's process, so it throws nothing. */
  readonly onChange?: (event: WatchEvent) => void;
  /** Told when the store could not be asked; the mirror tries again by itself. */
  readonly onTrouble?: (error: unknown) => void;
}

export class Mirror {
  readonly #options: MirrorOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #filled = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #watch: Watch | undefined;
  #closed = false;
  #endPause: (() => void) | undefined;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** In no order. */
  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  /** Resolves when the range has been read for the first time, or the mirror is closed. */
  get filled(): Promise<void> {
    return this.#filled.promise;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watch?.close();
    this.#endPause?.();
    this.#filled.resolve();
    await this.#running;
  }

  async #run(): Promise<void> {
    let pauseMs = PAUSE_MS_MIN;
    while (!this.#closed) {
      try {
        const revision = await this.#fill();
        pauseMs = PAUSE_MS_MIN;
        await this.#follow(revision + 1);
      } catch (error) {
        if (this.#closed) return;
        // What was compacted is read anew at once.
        if (hasCode(error, 'revision-compacted')) continue;
        this.#options.onTrouble?.(error);
      }
      await this.#pause(pauseMs);
      pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2);
    }
  }

  /** Reads all, and tells of what differs. */
  async #fill(): Promise<number> {
    const { store, range } = this.#options;
    const { revision } = await store.range(range, { limit: 1 });
    const found = new Map<string, Entry>();
    for await (const entry of entriesOf(store, range, revision)) found.set(entry.key, entry);
    if (this.#closed) return revision;
    for (const key of this.#entries.keys())
      if (!found.has(key)) this.#apply({ kind: 'delete', key, modRevision: revision });
    for (const entry of found.values())
      if (this.#entries.get(entry.key)?.modRevision !== entry.modRevision)
        this.#apply({ kind: 'put', entry });
    this.#filled.resolve();
    return revision;
  }

  async #follow(fromRevision: number): Promise<void> {
    const { store, range } = this.#options;
    this.#watch = store.watch(range, fromRevision);
    for await (const { events } of this.#watch) for (const event of events) this.#apply(event);
  }

  #apply(event: WatchEvent): void {
    if (event.kind === 'put') this.#entries.set(event.entry.key, event.entry);
    else this.#entries.delete(event.key);
    this.#options.onChange?.(event);
  }

  async #pause(durationMs: number): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(durationMs, resolve);
      this.#endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
