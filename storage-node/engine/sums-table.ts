/** The sums of a device's shards as they are now: the index, and in front of it what the index has not taken yet. */
import { SHARD_PREFIX_BYTES } from '#common/codec/record-key.ts';
import { sameBallot } from '#common/ballot.ts';
import { HoldfastError } from '#common/errors.ts';
import type { ShardSums } from './device-engine.ts';
import type { RowHead } from './index-row.ts';
import type { IndexWrite } from './record-index.ts';
import { RunningSums } from './shard-sums.ts';

/** Sums kept in memory when nothing waits for the index. */
const KNOWN_SHARDS_MAX = 65_536;

export class SumsTable {
  readonly #lookUp: (shard: Buffer) => Buffer | undefined;
  readonly #known = new Map<string, RunningSums>();
  /** Shards whose sums the index does not have yet. */
  readonly #changed = new Set<string>();
  #damaged = false;

  /** @param lookUp what the index has of a shard. */
  constructor(lookUp: (shard: Buffer) => Buffer | undefined) {
    this.#lookUp = lookUp;
  }

  /** Throws `data-corrupt` when a row or sums were found damaged since the device was opened. */
  get(shard: Buffer): ShardSums {
    const sums = this.#sumsOf(shard.toString('latin1'), shard);
    if (this.#damaged || sums === undefined) {
      throw new HoldfastError('data-corrupt', 'the sums of this device are made anew at its next start');
    }
    return sums.value;
  }

  /** @param name the key as Latin-1. */
  change(name: string, key: Buffer, before: RowHead | undefined, after: RowHead | null): void {
    const wasLive = before?.live === true;
    const isLive = after?.live === true;
    if (!wasLive && !isLive) return;
    // The copy that compaction makes of a record changes its place alone.
    if (wasLive && isLive && sameBallot(before.ballot, after.ballot)) return;
    const shard = name.slice(0, SHARD_PREFIX_BYTES);
    const sums = this.#sumsOf(shard, key);
    if (sums === undefined) return;
    if (wasLive) sums.subtract(key, before);
    if (isLive) sums.add(key, after);
    this.#changed.add(shard);
  }

  /** A row that cannot be subtracted is gone, or sums were not readable: nothing here is true any more. */
  damaged(): void {
    this.#damaged = true;
  }

  get isDamaged(): boolean {
    return this.#damaged;
  }

  /** What the index is to be given with the rows that have changed until now. */
  take(): IndexWrite[] {
    const writes: IndexWrite[] = [];
    // What is wrong is not made durable.
    if (this.#damaged) return writes;
    for (const shard of this.#changed) {
      const sums = this.#known.get(shard);
      const key = Buffer.from(shard, 'latin1');
      if (sums) writes.push({ key, value: sums.isZero ? undefined : sums.encode() });
    }
    this.#changed.clear();
    return writes;
  }

  /** The index has what was taken last. */
  written(): void {
    if (this.#known.size <= KNOWN_SHARDS_MAX) return;
    for (const shard of this.#known.keys()) if (!this.#changed.has(shard)) this.#known.delete(shard);
  }

  #sumsOf(shard: string, key: Buffer): RunningSums | undefined {
    let sums = this.#known.get(shard);
    if (sums !== undefined || this.#damaged) return sums;
    try {
      sums = RunningSums.decode(this.#lookUp(key.subarray(0, SHARD_PREFIX_BYTES)));
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'data-corrupt') throw error;
      this.#damaged = true;
      return undefined;
    }
    this.#known.set(shard, sums);
    return sums;
  }
}
