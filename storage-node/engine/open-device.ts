/** Opens a device: identity, lock, index, log, blobs, in this order. docs/formats/log.md and index.md, recovery. */
import { HoldfastError, errorText } from '#common/errors.ts';
import type { DeviceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Files } from '#common/io/files.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { BlobStore } from './blob-store.ts';
import { Compaction } from './compaction.ts';
import { takeCounts } from './device-counts.ts';
import type { ReportEvent } from './device-events.ts';
import { divideMemory } from './device-memory.ts';
import { IDENTITY_FILE, openIdentity } from './device-identity.ts';
import { DeviceState } from './device-state.ts';
import { makeDurableFolder, makeDurablePath } from './durable-folder.ts';
import { Device } from './device.ts';
import { type Checkpoint, decodeCheckpoint } from './index-row.ts';
import { levelIndexStore } from './level-index.ts';
import {
  ceilingClock,
  entryBallot,
  entryCounted,
  entryKey,
  entrySummary,
  entryType,
  entryTypes,
  isEntryLive,
} from './log-format.ts';
import { openSegments, recoverLog } from './log-recovery.ts';
import type { Log, LogOptions } from './log.ts';
import type { IndexStore, RecordIndex } from './record-index.ts';
import { RecordCounts } from './record-counts.ts';
import { RecordTable } from './record-table.ts';
import { remakeTotals } from './remake-totals.ts';
import { RunsBudget } from './row-runs.ts';
import type { Segment } from './segment.ts';

const SEGMENT_BYTES = 64 * 1024 * 1024;
const RUNS_BYTES = 8 * 1024 * 1024;
const COMPACTION_INTERVAL_MS = 10_000;
/** Replay lets LevelDB catch up when this many rows wait. */
const REPLAY_PENDING_ROWS_MAX = 8192;

export interface OpenDeviceOptions {
  /** The device's folder. */
  readonly path: string;
  readonly files: Files;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Writes are refused when free space is below this. */
  readonly reserveBytes: number;
  /** The device's number in the ring: a disk that is another's is refused. */
  readonly device?: DeviceId;
  /** LevelDB in the device's folder when left out. */
  readonly index?: IndexStore;
  /** A segment is sealed when it would become longer; 64 MiB when left out. */
  readonly segmentBytes?: number;
  /** Whether compaction runs by itself, throttled; true when left out. */
  readonly compacts?: boolean;
  /** Pause between two looks for what is worth compacting; ten seconds when left out. */
  readonly compactionIntervalMs?: number;
  readonly report?: ReportEvent;
  /** For its caches, about; 16 MiB when left out. The devices of a process share what the process may use. */
  readonly memoryBytes?: number;
  /** For rows that listings read; 8 MiB of its own when left out. */
  readonly runs?: RunsBudget;
}

/**
 * Opens the device at `path`, making it when the folder is empty, and recovers what a crash left.
 * Throws `configuration-invalid` (another device's disk), `format-invalid` (not ours), and what the disk throws.
 */
export async function openDevice(options: OpenDeviceOptions): Promise<Device> {
  const { files, path } = options;
  // The identity is written when the path is durable, so where there is one the path is.
  if (!(await files.exists(`${path}/${IDENTITY_FILE}`))) await makeDurablePath(files, path);
  const lock = await files.lock(`${path}/lock`);
  try {
    return await new Opening(options).run(lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

interface OpenedIndex {
  readonly index: RecordIndex;
  readonly counts: RecordCounts;
  /** Undefined when the whole log must be read. */
  readonly from: Checkpoint | undefined;
  /** Why it is a new one. */
  readonly rebuilt: string | undefined;
  /** It knows of a part of the log that is not there any more. */
  readonly isCut: boolean;
}

class Opening {
  readonly #options: OpenDeviceOptions;
  readonly #report: ReportEvent;
  readonly #ceiling = { clock: 0 };
  #replayed = 0;

  constructor(options: OpenDeviceOptions) {
    this.#options = options;
    this.#report = options.report ?? (() => undefined);
  }

  async run(lock: Awaited<ReturnType<Files['lock']>>): Promise<Device> {
    const { files, path, clock, randomness, reserveBytes } = this.#options;
    const report = this.#report;
    const identity = await openIdentity(files, clock, path, this.#options.device);
    const state = await DeviceState.open({ path, files, clock, reserveBytes, report });
    await makeDurableFolder(files, path, 'log');
    const logOptions: LogOptions = {
      folder: `${path}/log`,
      device: identity.device,
      files,
      clock,
      state,
      segmentBytes: this.#options.segmentBytes ?? SEGMENT_BYTES,
      report,
      ceiling: () => this.#ceiling.clock,
    };
    const { log, table } = await this.#recover(logOptions);
    const blobs = await BlobStore.open({ path, files, clock, state, report });
    const ceiling = () => this.#ceiling.clock;
    const throttled = this.#options.compacts ?? true;
    const intervalMs = this.#options.compactionIntervalMs ?? COMPACTION_INTERVAL_MS;
    const shared = { log, table, state, clock, randomness, report };
    const compaction = new Compaction({ ...shared, ceiling, throttled, intervalMs });
    const counting = await this.#countBlobs(blobs);
    if (throttled) compaction.start();
    return new Device({
      options: this.#options,
      state,
      log,
      table,
      blobs,
      compaction,
      lock,
      floor: this.#ceiling.clock,
      ceiling: this.#ceiling,
      counting: Promise.all(counting),
    });
  }

  async #recover(logOptions: LogOptions): Promise<{ log: Log; table: RecordTable }> {
    const { clock, path, files } = this.#options;
    const { segments, ceiling } = await openSegments(logOptions);
    this.#raise(ceiling);
    const memory = divideMemory(this.#options.memoryBytes);
    const store = this.#options.index ?? levelIndexStore(`${path}/index`, files, memory);
    const opened = await this.#openIndex(store, segments);
    const table = new RecordTable({
      index: opened.index,
      isEmpty: opened.from === undefined,
      counts: opened.counts,
      clock,
      state: logOptions.state,
      report: this.#report,
      memory,
      runs: this.#options.runs ?? new RunsBudget(RUNS_BYTES),
    });
    if (opened.isCut) {
      // What it has accepted and forgotten it would deny to have: such a device has no vote any more, now or at a later start.
      logOptions.state.fail(new HoldfastError('data-corrupt', 'the log has lost what its index knows of'));
    }
    try {
      this.#raise(opened.from?.ceiling ?? 0);
      const log = await recoverLog(logOptions, segments, opened.from, (entry, segment, offset) =>
        this.#replay(table, entry, segment, offset),
      );
      table.filled();
      if (opened.rebuilt) {
        this.#report({ type: 'index-rebuilt', reason: opened.rebuilt, entries: this.#replayed });
      }
      // Never past what is lost: every later start is to find it.
      if (!logOptions.state.failed) await table.checkpoint({ ...log.end, ceiling: this.#ceiling.clock });
      return { log, table };
    } catch (error) {
      await table.close();
      throw error;
    }
  }

  /** Opens the index, or an empty one in its place. */
  async #openIndex(store: IndexStore, segments: readonly Segment[]): Promise<OpenedIndex> {
    let reason: string;
    try {
      const index = await store.open();
      const from = decodeCheckpoint(index.mark());
      if (from) {
        const isCut = !canReplayFrom(from, segments);
        if (!isCut && !index.isWhole) await remakeTotals(index, segments.at(-1)?.number ?? 0);
        const counts = RecordCounts.decode(await index.counts());
        counts.keepOnly(new Set(segments.map(({ number }) => number)));
        return { index, counts, from, rebuilt: undefined, isCut };
      }
      reason = 'it has no checkpoint';
      await index.close();
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      reason = errorText(cause);
    }
    await store.remove();
    const rebuilt = segments.length > 0 ? reason : undefined;
    const index = await store.open();
    return { index, counts: new RecordCounts(), from: undefined, rebuilt, isCut: false };
  }

  #replay(table: RecordTable, entry: Buffer, segment: number, offset: number): Promise<void> | undefined {
    this.#replayed += 1;
    switch (entryType(entry)) {
      case entryTypes.record: {
        const summary = entrySummary(entry);
        const row = {
          segment,
          offset,
          length: entry.length,
          ballot: entryBallot(entry),
          live: isEntryLive(entry),
          counted: entryCounted(entry),
          summary,
        };
        table.put(entryKey(entry), row);
        break;
      }
      case entryTypes.purge:
        table.remove(entryKey(entry));
        table.counts.addPurge(segment, offset, entry.length);
        break;
      case entryTypes.ceiling:
        this.#raise(ceilingClock(entry));
        break;
      default:
        throw new HoldfastError(
          'format-invalid',
          'an entry of the log has a type that this program does not know',
        );
    }
    return table.pendingRows > REPLAY_PENDING_ROWS_MAX ? table.flush() : undefined;
  }

  /** Takes the counts of the last close, or begins to count. */
  async #countBlobs(blobs: BlobStore): Promise<Promise<unknown>[]> {
    const saved = await takeCounts(this.#options.files, this.#options.path);
    // A count that fails has taken the device out, or been reported; it stays incomplete.
    if (!saved) return [blobs.count().catch(() => undefined)];
    Object.assign(blobs.counts, saved);
    blobs.counted = true;
    return [];
  }

  #raise(clock: number): void {
    this.#ceiling.clock = Math.max(this.#ceiling.clock, clock);
  }
}

/** Whether every segment from the checkpoint's to the newest is there, and reaches as far as the checkpoint says. */
function canReplayFrom(from: Checkpoint, segments: readonly Segment[]): boolean {
  const index = segments.findIndex(({ number }) => number === from.segment);
  const first = segments[index];
  if (!first || first.sizeBytes < from.offset) return false;
  return segments.slice(index).every(({ number }, ahead) => number === from.segment + ahead);
}
