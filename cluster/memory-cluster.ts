/**
 * A whole cluster in one process's memory, with the semantics of the real one: what a service is tested on, and what
 * the real one is compared with.
 */
import { randomBytes } from 'node:crypto';
import { type Ballot, BallotClock } from '#common/ballot.ts';
import { NAME_BYTES_MAX, type RecordKey, SHARD_PREFIX_BYTES, shardPrefix } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { type BlobId, blobId } from '#common/ids.ts';
import type {
  Bodies,
  BodySink,
  BodyWriter,
  Cluster,
  Counted,
  CountQuery,
  Decision,
  ListingEntry,
  ListingPage,
  ListingQuery,
  Listings,
  ListingStart,
  Records,
  StoredRecord,
  Stripe,
} from './cluster.ts';
import { NOTHING_COUNTED, checkCounted } from '#storage-node/protocol/accepted-state.ts';

/** What the device engine allows; a service that exceeds it must learn so here too. */
const SUMMARY_BYTES_MAX = 4096;
const CONTENT_BYTES_MAX = 1024 * 1024 - 64 * 1024;
const READ_CHUNK_BYTES = 256 * 1024;
const LIMIT_MAX = 10_000;

export interface MemoryClusterOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Longest stripe; 64 MiB when left out. */
  readonly stripeBytes?: number;
}

export interface MemoryCluster extends Cluster {
  /** Stripes that have been written and not released. */
  readonly stripeCount: number;
  /** Live records, of every kind. */
  readonly recordCount: number;
}

export function memoryCluster(options: MemoryClusterOptions): MemoryCluster {
  const records = new MemoryRecords(options.nowMs);
  const bodies = new MemoryBodies(options.stripeBytes ?? 64 * 1024 * 1024);
  return {
    records,
    listings: records,
    bodies,
    get stripeCount() {
      return bodies.stripeCount;
    },
    get recordCount() {
      return records.recordCount;
    },
  };
}

interface MemoryRecord extends StoredRecord {
  readonly counted: Counted;
}

/** The live rows of one shard, ordered by the bytes of their names. */
class Shard {
  readonly rows = new Map<string, MemoryRecord>();
  /** Names in order, made when a listing asks for it and dropped when a name comes or goes. */
  #sorted: Buffer[] | undefined;

  set(name: string, record: MemoryRecord): void {
    if (!this.rows.has(name)) this.#sorted = undefined;
    this.rows.set(name, record);
  }

  delete(name: string): void {
    if (this.rows.delete(name)) this.#sorted = undefined;
  }

  names(): readonly Buffer[] {
    this.#sorted ??= [...this.rows.keys()]
      .map((name) => Buffer.from(name, 'latin1'))
      .sort((a, b) => Buffer.compare(a, b));
    return this.#sorted;
  }
}

class MemoryRecords implements Records, Listings {
  /** By the 19 bytes of the prefix, as Latin-1; rows by the bytes of the name, as Latin-1 too. */
  readonly #shards = new Map<string, Shard>();
  readonly #clock: BallotClock;

  constructor(nowMs: () => number) {
    this.#clock = new BallotClock(1, nowMs);
  }

  get recordCount(): number {
    let count = 0;
    for (const shard of this.#shards.values()) count += shard.rows.size;
    return count;
  }

  async read(key: RecordKey): Promise<StoredRecord | undefined> {
    return this.#shard(key)?.rows.get(nameOf(key));
  }

  async mutate<Result>(
    key: RecordKey,
    decide: (current: StoredRecord | undefined, ballot: Ballot) => Decision<Result>,
  ): Promise<Result> {
    const prefix = key.toString('latin1', 0, SHARD_PREFIX_BYTES);
    const name = nameOf(key);
    const ballot = this.#clock.next();
    let shard = this.#shards.get(prefix);
    const decision = decide(shard?.rows.get(name), ballot);
    if (decision.action === 'write') {
      if (decision.summary.length > SUMMARY_BYTES_MAX) throw new RangeError('a summary of more than 4 KiB');
      if (decision.content.length > CONTENT_BYTES_MAX) throw new RangeError('a record of more than 960 KiB');
      if (shard === undefined) this.#shards.set(prefix, (shard = new Shard()));
      const { summary, content, counted = NOTHING_COUNTED } = decision;
      checkCounted(counted);
      shard.set(name, { ballot, summary, content, counted });
    } else if (decision.action === 'remove') {
      shard?.delete(name);
    }
    return decision.result;
  }

  async list(query: ListingQuery): Promise<ListingPage> {
    if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > LIMIT_MAX) {
      throw new HoldfastError('invalid-argument', `a listing of ${query.limit} entries`);
    }
    const cursors: Cursor[] = [];
    for (let number = 0; number < query.shards; number++) {
      const prefix = shardPrefix(query.space, query.kind, number).toString('latin1');
      const shard = this.#shards.get(prefix);
      if (shard !== undefined) cursors.push(new Cursor(shard));
    }
    return mergedPage(cursors, query);
  }

  async count(query: CountQuery): Promise<Counted> {
    let objects = 0;
    let bytes = 0;
    for (let number = 0; number < query.shards; number++) {
      const prefix = shardPrefix(query.space, query.kind, number).toString('latin1');
      for (const { counted } of this.#shards.get(prefix)?.rows.values() ?? []) {
        objects += counted.objects;
        bytes += counted.bytes;
      }
    }
    return { objects, bytes };
  }

  #shard(key: RecordKey): Shard | undefined {
    return this.#shards.get(key.toString('latin1', 0, SHARD_PREFIX_BYTES));
  }
}

function nameOf(key: RecordKey): string {
  if (key.length > SHARD_PREFIX_BYTES + NAME_BYTES_MAX) throw new RangeError('not a record key');
  return key.toString('latin1', SHARD_PREFIX_BYTES);
}

/** A place in one shard's order of names. */
class Cursor {
  readonly #shard: Shard;
  readonly #names: readonly Buffer[];
  #at = 0;

  constructor(shard: Shard) {
    this.#shard = shard;
    this.#names = shard.names();
  }

  get name(): Buffer | undefined {
    return this.#names[this.#at];
  }

  get record(): StoredRecord | undefined {
    return this.name === undefined ? undefined : this.#shard.rows.get(this.name.toString('latin1'));
  }

  step(): void {
    this.#at += 1;
  }

  /** Moves on to the first name for which `before` is false; true for all names ahead of it. */
  seek(before: (name: Buffer) => boolean): void {
    let low = this.#at;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before(this.#names[middle] as Buffer)) low = middle + 1;
      else high = middle;
    }
    this.#at = low;
  }
}

function beginsWith(name: Buffer, prefix: Buffer): boolean {
  return name.length >= prefix.length && name.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/** Whether `name` sorts before, or among, the names that begin with `prefix`. */
function withinOrBefore(name: Buffer, prefix: Buffer): boolean {
  return Buffer.compare(name, prefix) < 0 || beginsWith(name, prefix);
}

function beforeStart(start: ListingStart): (name: Buffer) => boolean {
  if ('from' in start) {
    const from = Buffer.from(start.from);
    return (name) => Buffer.compare(name, from) < 0;
  }
  if ('after' in start) {
    const after = Buffer.from(start.after);
    return (name) => Buffer.compare(name, after) <= 0;
  }
  const prefix = Buffer.from(start.afterPrefix);
  return (name) => withinOrBefore(name, prefix);
}

function mergedPage(cursors: readonly Cursor[], query: ListingQuery): ListingPage {
  const prefix = Buffer.from(query.prefix);
  const delimiter = Buffer.from(query.delimiter);
  for (const cursor of cursors) {
    cursor.seek((name) => Buffer.compare(name, prefix) < 0);
    if (query.start !== undefined) cursor.seek(beforeStart(query.start));
  }
  const entries: ListingEntry[] = [];
  for (;;) {
    const cursor = least(cursors);
    const name = cursor?.name;
    const record = cursor?.record;
    if (cursor === undefined || name === undefined || !beginsWith(name, prefix))
      return { entries, more: false };
    if (entries.length === query.limit) return { entries, more: true };
    const end = delimiter.length === 0 ? -1 : name.indexOf(delimiter, prefix.length);
    if (end >= 0) {
      const folded = name.subarray(0, end + delimiter.length);
      entries.push({ type: 'prefix', prefix: folded.toString('utf8') });
      for (const each of cursors) each.seek((other) => withinOrBefore(other, folded));
    } else {
      if (record !== undefined) {
        entries.push({
          type: 'row',
          name: name.toString('utf8'),
          ballot: record.ballot,
          summary: record.summary,
        });
      }
      cursor.step();
    }
  }
}

function least(cursors: readonly Cursor[]): Cursor | undefined {
  let found: Cursor | undefined;
  for (const cursor of cursors) {
    if (cursor.name === undefined) continue;
    if (found?.name === undefined || Buffer.compare(cursor.name, found.name) < 0) found = cursor;
  }
  return found;
}

class MemoryBodies implements Bodies {
  readonly #stripes = new Map<BlobId, Buffer>();
  readonly #stripeBytes: number;

  constructor(stripeBytes: number) {
    if (!Number.isInteger(stripeBytes) || stripeBytes < 1)
      throw new RangeError('a stripe holds at least one byte');
    this.#stripeBytes = stripeBytes;
  }

  get stripeCount(): number {
    return this.#stripes.size;
  }

  write(_owner: RecordKey): BodyWriter {
    return new MemoryBodyWriter(this.#stripes, this.#stripeBytes);
  }

  async read(
    stripes: readonly Stripe[],
    start: number,
    end: number,
    sink: BodySink,
    signal?: AbortSignal,
  ): Promise<void> {
    const total = stripes.reduce((sum, stripe) => sum + stripe.lengthBytes, 0);
    if (start < 0 || end < start || end > total)
      throw new HoldfastError('invalid-argument', 'a range outside of the body');
    // The bytes are held from here on, as a running read holds its open blobs: a release does not end it.
    const held = stripes.map((stripe) => this.#held(stripe));
    // One buffer for all chunks, so that a sink which keeps it beyond its promise is found out.
    const buffer = Buffer.allocUnsafe(Math.min(READ_CHUNK_BYTES, Math.max(1, end - start)));
    let position = 0;
    for (const stripe of held) {
      let from = Math.max(start, position) - position;
      const to = Math.min(end, position + stripe.length) - position;
      while (from < to) {
        if (signal?.aborted === true) throw new HoldfastError('aborted');
        const copied = stripe.copy(buffer, 0, from, Math.min(to, from + buffer.length));
        await sink(buffer.subarray(0, copied));
        from += copied;
      }
      position += stripe.length;
    }
  }

  release(stripes: readonly Stripe[]): void {
    for (const stripe of stripes) this.#stripes.delete(stripe.id);
  }

  #held(stripe: Stripe): Buffer {
    const bytes = this.#stripes.get(stripe.id);
    if (bytes === undefined) throw new HoldfastError('blob-missing');
    if (bytes.length !== stripe.lengthBytes)
      throw new HoldfastError('data-corrupt', 'a stripe of another length');
    return bytes;
  }
}

class MemoryBodyWriter implements BodyWriter {
  readonly #kept: Map<BlobId, Buffer>;
  readonly #stripeBytes: number;
  readonly #finished: Stripe[] = [];
  #chunks: Buffer[] = [];
  #chunkBytes = 0;

  constructor(kept: Map<BlobId, Buffer>, stripeBytes: number) {
    this.#kept = kept;
    this.#stripeBytes = stripeBytes;
  }

  async write(chunk: Buffer): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      const taken = rest.subarray(0, this.#stripeBytes - this.#chunkBytes);
      this.#chunks.push(Buffer.from(taken));
      this.#chunkBytes += taken.length;
      if (this.#chunkBytes === this.#stripeBytes) this.#closeStripe();
      rest = rest.subarray(taken.length);
    }
  }

  async finish(): Promise<Stripe[]> {
    this.#closeStripe();
    return this.#finished;
  }

  async abort(): Promise<void> {
    for (const stripe of this.#finished) this.#kept.delete(stripe.id);
    this.#chunks = [];
    this.#chunkBytes = 0;
  }

  #closeStripe(): void {
    if (this.#chunkBytes === 0) return;
    const id = blobId(randomBytes(16).toString('hex'));
    this.#kept.set(id, Buffer.concat(this.#chunks));
    this.#finished.push({ id, lengthBytes: this.#chunkBytes });
    this.#chunks = [];
    this.#chunkBytes = 0;
  }
}
