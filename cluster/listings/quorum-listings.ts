/** Listings: the shards of a space merged into one order, each read from a majority of its replicas. */
import { HoldfastError, hasCode } from '#common/errors.ts';
import { recordKey, shardPrefix } from '#common/codec/record-key.ts';
import type {
  Counted,
  CountQuery,
  ListingEntry,
  ListingPage,
  ListingQuery,
  Listings,
  ListingStart,
} from '../cluster.ts';
import { type ClusterContext, placeRecord } from '../context.ts';
import type { QuorumRecords } from '../records/quorum-records.ts';
import { preferred } from '../records/run-reading.ts';
import { majorityOf } from '../register/quorum.ts';
import { countShards } from './count-shards.ts';
import { ReplicaCursor, type ShardRange } from './replica-cursor.ts';
import { ShardMending } from './shard-mending.ts';
import { ShardCursor, type ShardCursorContext } from './shard-cursor.ts';

const LISTING_MS_MAX = 15_000;
const PAUSE_MS_MAX = 200;
const PAGE_ROWS_MIN = 16;
const PAGE_ROWS_MAX = 5000;
const LISTING_LIMIT_MAX = 10_000;
/** Records that a recount reads at once. */
const RECOUNT_PAGE_ROWS = 64;

export class QuorumListings implements Listings {
  readonly #context: ClusterContext;
  readonly #records: QuorumRecords;
  readonly #mending: ShardMending;

  constructor(context: ClusterContext, records: QuorumRecords) {
    this.#context = context;
    this.#records = records;
    this.#mending = new ShardMending(context.clock, (query, shard) => this.#list(query, [shard], true));
  }

  async list(query: ListingQuery): Promise<ListingPage> {
    if (query.limit < 1 || query.limit > LISTING_LIMIT_MAX) {
      throw new HoldfastError('invalid-argument', `a listing has 1 … ${LISTING_LIMIT_MAX} entries`);
    }
    return this.#list(
      query,
      Array.from({ length: query.shards }, (_, shard) => shard),
    );
  }

  count(query: CountQuery): Promise<Counted> {
    return countShards(this.#context, query, {
      recount: (shard) => this.#recount(query, shard),
      mend: (shard) => this.#mending.mend(query, shard),
    });
  }

  /** @param isMending asks all replicas, and notices which of them lacks what. */
  async #list(query: ListingQuery, shards: readonly number[], isMending = false): Promise<ListingPage> {
    const bounds = namesOf(query);
    // Names are spread evenly over the shards: a page of their share, and a little for the unevenness.
    const share = (query.limit + 1) / shards.length;
    const pageRows = Math.min(
      PAGE_ROWS_MAX,
      Math.max(PAGE_ROWS_MIN, Math.ceil(share + 3 * Math.sqrt(share))),
    );
    const deadlineMs = this.#context.clock.monotonicMs() + LISTING_MS_MAX;
    const cursors: ShardCursor[] = [];
    for (const shard of shards) {
      const prefix = shardPrefix(query.space, query.kind, shard);
      const { route } = placeRecord(this.#context, prefix);
      const range: ShardRange = { route, shardPrefix: prefix, ...bounds };
      cursors.push(new ShardCursor(this.#shardContext(prefix, deadlineMs, isMending), range, pageRows));
    }
    await Promise.all(cursors.map(async (cursor) => cursor.prepare()));
    return merge(cursors, query.limit);
  }

  /** What the records of a shard count for, each read as a register. */
  async #recount(query: CountQuery, shard: number): Promise<Counted> {
    const total = { objects: 0, bytes: 0 };
    let start: ListingStart | undefined;
    for (;;) {
      const page: ListingPage = await this.#list(
        { ...query, prefix: '', delimiter: '', limit: RECOUNT_PAGE_ROWS, ...(start && { start }) },
        [shard],
      );
      const names = page.entries.flatMap((entry) => (entry.type === 'row' ? [entry.name] : []));
      const states = await Promise.all(
        names.map((name) => this.#records.readState(recordKey(query.space, query.kind, shard, name))),
      );
      for (const state of states) {
        total.objects += state?.counted.objects ?? 0;
        total.bytes += state?.counted.bytes ?? 0;
      }
      const last = names.at(-1);
      if (!page.more || last === undefined) return total;
      start = { after: last };
    }
  }

  #shardContext(prefix: Buffer, deadlineMs: number, isMending: boolean): ShardCursorContext {
    const { nodes, clock, misses } = this.#context;
    // A shard's listings ask the same replicas first, which keep what they read; other shards ask others.
    const turn = placeRecord(this.#context, prefix).route.partition;
    return {
      open: (range, pageRows, attempt) => {
        const { route, members, devices } = placeRecord(this.#context, prefix);
        const first = preferred(members.length, turn + attempt).slice(
          0,
          isMending ? members.length : majorityOf(members.length),
        );
        const asked = first.map((index) => members[index] as (typeof members)[number]);
        // What is decided stands on a device that joins, too.
        return [...asked, ...devices.slice(members.length)].map(
          (device) => new ReplicaCursor(nodes.client(device, 'small'), device, { ...range, route }, pageRows),
        );
      },
      read: (key) => this.#records.read(key),
      ...(isMending && misses !== undefined
        ? { behind: (device, key, ballot) => misses.record(device, { key, ballot, isDamaged: false }) }
        : undefined),
      pause: (attempt, cause) => {
        if (hasCode(cause, 'ring-outdated')) this.#context.ringOutdated?.();
        const { members } = placeRecord(this.#context, prefix);
        if (clock.monotonicMs() >= deadlineMs)
          throw new HoldfastError('quorum-unavailable', undefined, { cause });
        // Another majority may be up: the first tries follow at once.
        const pauseMs = attempt < members.length ? 0 : Math.min(PAUSE_MS_MAX, 10 * attempt);
        return new Promise((resolve) => clock.after(pauseMs, resolve));
      },
    };
  }
}

/** The range of names that can hold an entry of the query. */
function namesOf(query: ListingQuery): Pick<ShardRange, 'from' | 'to' | 'foldOffset' | 'delimiter'> {
  const prefix = Buffer.from(query.prefix);
  const start = query.start === undefined ? prefix : startName(query.start);
  return {
    from: start.compare(prefix) < 0 ? prefix : start,
    to: prefix.length === 0 ? Buffer.alloc(0) : Buffer.concat([prefix, Buffer.of(0xff)]),
    foldOffset: prefix.length,
    delimiter: Buffer.from(query.delimiter),
  };
}

function startName(start: ListingStart): Buffer {
  if ('from' in start) return Buffer.from(start.from);
  if ('after' in start) return Buffer.concat([Buffer.from(start.after), Buffer.of(0)]);
  return Buffer.concat([Buffer.from(start.afterPrefix), Buffer.of(0xff)]);
}

async function merge(cursors: readonly ShardCursor[], limit: number): Promise<ListingPage> {
  const entries: ListingEntry[] = [];
  let lastPrefix: string | undefined;
  for (;;) {
    let lowest: ShardCursor | undefined;
    for (const cursor of cursors) {
      if (cursor.entry === undefined) continue;
      if (lowest === undefined || cursor.name.compare(lowest.name) < 0) lowest = cursor;
    }
    if (lowest?.entry === undefined) return { entries, more: false };
    const { entry } = lowest;
    const repeated = entry.type === 'prefix' && entry.prefix === lastPrefix;
    if (!repeated) {
      if (entries.length === limit) return { entries, more: true };
      entries.push(entry);
      lastPrefix = entry.type === 'prefix' ? entry.prefix : undefined;
    }
    const preparing = lowest.prepare();
    if (preparing !== undefined) await preparing;
  }
}
