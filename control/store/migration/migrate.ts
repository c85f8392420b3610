/**
 * Makes one store equal to another, whatever is in it of an earlier try: both are read in the order of their keys, and what
 * differs is written. Done once more at the end, that finds nothing.
 */
import { hasCode, HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { everything } from '../key-range.ts';
import { entriesOf, getEntry, isAbsent, put, remove } from '../operations.ts';
import type { Entry, Operation, Store } from '../store.ts';
import {
  FENCE_KEY,
  MIGRATION_PREFIX,
  readFenceBase,
  readTargetMark,
  sourceId,
  TARGET_KEY,
  writeTargetMark,
} from './migration-mark.ts';

export interface MigrationProgress {
  /** Entries compared so far, and how many there are. */
  readonly done: number;
  readonly total: number;
  readonly phase: 'copying' | 'verifying';
}

export interface MigrationOptions {
  readonly source: Store;
  readonly target: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: MigrationProgress) => void;
}

export interface MigrationResult {
  /** Entries that the target has now. */
  readonly entries: number;
  readonly written: number;
  readonly deleted: number;
  /** Whether an earlier run had finished: then nothing was looked at. */
  readonly wasDone: boolean;
}

const BATCH_OPERATIONS = 64;
const BATCH_BYTES = 512 * 1024;
const ATTEMPTS_MAX = 20;
const PAUSE_MS = 500;

/**
 * @throws `condition-failed` when the target holds something else, `aborted` when the signal says so: both may be begun again,
 * as after a kill.
 */
export async function migrateStore(options: MigrationOptions): Promise<MigrationResult> {
  const { source, target, randomness } = options;
  const id = await sourceId(source, randomness);
  if (await isDone(target, id)) return { entries: 0, written: 0, deleted: 0, wasDone: true };
  const { revision } = await source.range(everything, { limit: 1 });
  let total = 0;
  for await (const entry of entriesOf(source, everything, revision)) total += entry.version > 0 ? 1 : 0;
  const copied = await pass(options, revision, total, 'copying');
  const verified = await pass(options, revision, total, 'verifying');
  if (verified.written + verified.deleted > 0)
    throw new HoldfastError('condition-failed', 'somebody else writes to the target');
  const done: Operation = put(TARGET_KEY, writeTargetMark({ state: 'done', source: id }));
  const fenceBase = readFenceBase(await getEntry(source, FENCE_KEY)) + revision;
  await persist(options, [put(FENCE_KEY, Buffer.from(String(fenceBase))), done]);
  return { ...copied, wasDone: false };
}

/** Whether an earlier run had finished; else the target is marked as being copied to. */
async function isDone(target: Store, source: string): Promise<boolean> {
  const entry = await getEntry(target, TARGET_KEY);
  if (entry !== undefined) {
    const mark = readTargetMark(entry);
    if (mark.source !== source)
      throw new HoldfastError('condition-failed', 'the target has been migrated to from another store');
    return mark.state === 'done';
  }
  if ((await target.range(everything, { limit: 1 })).entries.length > 0)
    throw new HoldfastError('condition-failed', 'the target is not empty');
  const { succeeded } = await target.transact({
    compare: [isAbsent(TARGET_KEY)],
    then: [put(TARGET_KEY, writeTargetMark({ state: 'copying', source }))],
  });
  if (!succeeded) throw new HoldfastError('condition-failed', 'another migration to the target has begun');
  return false;
}

/** One walk along both stores. */
async function pass(
  options: MigrationOptions,
  revision: number,
  total: number,
  phase: MigrationProgress['phase'],
): Promise<{ entries: number; written: number; deleted: number }> {
  const { source, target, signal, onProgress } = options;
  const there = entriesOf(target, everything)[Symbol.asyncIterator]();
  let old = await nextOf(there);
  const batch = new Batch(options);
  let entries = 0;
  let done = 0;
  for await (const entry of entriesOf(source, everything, revision)) {
    signal.throwIfAborted();
    done += 1;
    onProgress({ done, total, phase });
    if (!isMigrated(entry)) continue;
    for (; old !== undefined && old.key < entry.key; old = await nextOf(there)) await batch.remove(old);
    entries += 1;
    const same = old?.key === entry.key && old.value.equals(entry.value);
    if (old?.key === entry.key) old = await nextOf(there);
    if (!same) await batch.put(entry);
  }
  for (; old !== undefined; old = await nextOf(there)) await batch.remove(old);
  await batch.flush();
  return { entries, written: batch.written, deleted: batch.deleted };
}

/** What hangs on a lease belongs to a process that has ended. */
function isMigrated({ key, lease }: Entry): boolean {
  return lease === undefined && !key.startsWith(MIGRATION_PREFIX);
}

/** The target's next entry, but for the migration's own. */
async function nextOf(entries: AsyncIterator<Entry>): Promise<Entry | undefined> {
  for (;;) {
    const { value, done } = await entries.next();
    if (done === true) return undefined;
    if (!value.key.startsWith(MIGRATION_PREFIX)) return value;
  }
}

class Batch {
  readonly #options: MigrationOptions;
  #operations: Operation[] = [];
  #bytes = 0;
  written = 0;
  deleted = 0;

  constructor(options: MigrationOptions) {
    this.#options = options;
  }

  async put({ key, value }: Entry): Promise<void> {
    this.written += 1;
    await this.#add(put(key, value), key.length + value.length);
  }

  async remove({ key }: Entry): Promise<void> {
    this.deleted += 1;
    await this.#add(remove(key), key.length);
  }

  async flush(): Promise<void> {
    if (this.#operations.length === 0) return;
    const operations = this.#operations;
    this.#operations = [];
    this.#bytes = 0;
    await persist(this.#options, operations);
  }

  async #add(operation: Operation, bytes: number): Promise<void> {
    if (this.#operations.length >= BATCH_OPERATIONS || this.#bytes + bytes > BATCH_BYTES) await this.flush();
    this.#operations.push(operation);
    this.#bytes += bytes;
  }
}

/** What a migration writes can be written twice, so a passing trouble of the target's is waited out. */
async function persist(
  { target, clock, signal }: MigrationOptions,
  operations: readonly Operation[],
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      await target.transact({ then: operations });
      return;
    } catch (error) {
      const passes = hasCode(error, 'store-unavailable') || hasCode(error, 'outcome-unknown');
      if (!passes || attempt >= ATTEMPTS_MAX) throw error;
    }
    await new Promise<void>((resolve) => {
      clock.after(PAUSE_MS, resolve);
    });
  }
}
