/** Reads a range of the store and then follows it: whatever happens to the watch, the follower ends up with what there is. */
import { errorText, hasCode } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Logger } from '#common/log/logger.ts';
import type { KeyRange } from '../../store/key-range.ts';
import type { Entry, Store, Watch, WatchEvent } from '../../store/store.ts';

export interface RangeFollower {
  /** All that there is; what was there before and is not any more has gone. */
  reset(entries: readonly Entry[]): void;
  change(event: WatchEvent): void;
}

export interface FollowOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

const RETRY_MS = 500;

export interface Following {
  close(): Promise<void>;
}

/** Resolves when `reset` has been called for the first time; throws what the first read throws. */
export async function followRange(
  { store, clock, log }: FollowOptions,
  range: KeyRange,
  follower: RangeFollower,
): Promise<Following> {
  let watch: Watch | undefined;
  let isClosed = false;
  const read = async (): Promise<Watch> => {
    const { entries, revision } = await store.range(range);
    follower.reset(entries);
    return store.watch(range, revision + 1);
  };
  watch = await read();
  const run = async (): Promise<void> => {
    while (!isClosed) {
      try {
        watch ??= await read();
        for await (const { events } of watch) for (const event of events) follower.change(event);
      } catch (error) {
        if (!isClosed && !hasCode(error, 'revision-compacted'))
          log.warn('following the store', { error: errorText(error) });
      }
      watch = undefined;
      if (!isClosed) await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
    }
  };
  const running = run();
  return {
    close: async () => {
      isClosed = true;
      watch?.close();
      // A pause before the next try is not waited for: the clock may never go on.
      await Promise.race([running, new Promise((resolve) => setImmediate(resolve))]);
    },
  };
}
