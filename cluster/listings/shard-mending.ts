/**
 * Compares the replicas of a large shard row by row, when their sums were seen to differ: whoever lacks a row is told of it by hints. One
 * shard at a time, and none of them often: a shard that is written to all the time differs at any moment.
 */
import type { Clock } from '#common/io/clock.ts';
import type { CountQuery, ListingPage, ListingQuery } from '../cluster.ts';

const PAGE_ROWS = 1000;
/** Between two pages, so that it takes a part of a processor at most. */
const PAUSE_MS = 50;
const AGAIN_MS = 600_000;
const REMEMBERED_MAX = 1000;

export class ShardMending {
  readonly #clock: Clock;
  readonly #list: (query: ListingQuery, shard: number) => Promise<ListingPage>;
  /** When each was compared last, oldest first. */
  readonly #comparedMs = new Map<string, number>();
  #isRunning = false;

  constructor(clock: Clock, list: (query: ListingQuery, shard: number) => Promise<ListingPage>) {
    this.#clock = clock;
    this.#list = list;
  }

  /** Begins, unless another one is under way or this one was compared lately. */
  mend(query: CountQuery, shard: number): void {
    const name = `${query.space}/${query.kind}/${shard}`;
    const nowMs = this.#clock.monotonicMs();
    const last = this.#comparedMs.get(name);
    if (this.#isRunning || (last !== undefined && nowMs - last < AGAIN_MS)) return;
    this.#isRunning = true;
    this.#comparedMs.delete(name);
    this.#comparedMs.set(name, nowMs);
    for (const oldest of this.#comparedMs.keys()) {
      if (this.#comparedMs.size <= REMEMBERED_MAX) break;
      this.#comparedMs.delete(oldest);
    }
    // A replica does not answer, or the cluster is closed: the next count that finds a difference begins anew.
    void this.#compare(query, shard)
      .catch(() => this.#comparedMs.delete(name))
      .finally(() => {
        this.#isRunning = false;
      });
  }

  async #compare(query: CountQuery, shard: number): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const page: ListingPage = await this.#list(
        {
          ...query,
          prefix: '',
          delimiter: '',
          limit: PAGE_ROWS,
          ...(after === undefined ? undefined : { start: { after } }),
        },
        shard,
      );
      const last = page.entries.at(-1);
      if (!page.more || last?.type !== 'row') return;
      after = last.name;
      await new Promise<void>((resolve) => this.#clock.after(PAUSE_MS, resolve));
    }
  }
}
