/** Copies what is needed of mostly dead segments forward and unlinks them: docs/formats/log.md, compaction. */
import { HoldfastError, errorText } from '#common/errors.ts';
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { ReportEvent } from './device-events.ts';
import type { DeviceState } from './device-state.ts';
import { lanes } from './group-commit.ts';
import {
  SEGMENT_HEADER_BYTES,
  copyEntry,
  entryBallot,
  entryCounted,
  entryKey,
  entrySummary,
  entryType,
  entryTypes,
  isEntryLive,
} from './log-format.ts';
import { scanSegment } from './log-scan.ts';
import type { Log } from './log.ts';
import type { RecordTable } from './record-table.ts';
import type { Segment } from './segment.ts';

/** A segment is worth its copying when this part of it is dead. */
const DEAD_PART_MIN = 0.5;
const COPY_BYTES_AT_ONCE = 1024 * 1024;
/** After a turn of copying, rest this many times as long: a quarter of the time at most goes to compaction. */
const REST_FACTOR = 3;

export interface CompactionOptions {
  readonly log: Log;
  readonly table: RecordTable;
  readonly state: DeviceState;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly report: ReportEvent;
  readonly ceiling: () => number;
  /** Whether to rest between turns; a test that drives compaction itself does not. */
  readonly throttled: boolean;
  /** Between two looks for work. */
  readonly intervalMs: number;
}

export class Compaction {
  readonly #options: CompactionOptions;
  #timer: Timer | undefined;
  #running: Promise<boolean> | undefined;
  #stopped = false;
  #resting: { readonly timer: Timer; readonly resolve: () => void } | undefined;

  constructor(options: CompactionOptions) {
    this.#options = options;
  }

  /** Looks for work from time to time. */
  start(): void {
    // The devices of a node do not start in step.
    const { clock, randomness, intervalMs } = this.#options;
    this.#timer = clock.after(intervalMs + randomness.below(intervalMs), () => {
      void this.#compactAll().then(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#resting?.timer.cancel();
    this.#resting?.resolve();
    await this.#running?.catch(() => undefined);
  }

  /** Compacts the segment that is most worth it; false when none is. */
  compactOne(): Promise<boolean> {
    this.#running ??= this.#compactOne().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #compactAll(): Promise<void> {
    try {
      while (!this.#stopped && !this.#options.state.failed && (await this.compactOne()));
    } catch (error) {
      if (this.#stopped || this.#options.state.failed) return;
      const known =
        error instanceof HoldfastError
          ? error
          : new HoldfastError('data-corrupt', errorText(error), { cause: error });
      this.#options.report({ type: 'compaction-failed', error: known });
    }
  }

  async #compactOne(): Promise<boolean> {
    const { table, log, report } = this.#options;
    const segment = this.#choose();
    if (!segment) return false;
    const copiedBytes = await this.#copy(segment);
    if (copiedBytes === undefined) return false;
    const left = table.counts.segment(segment.number).liveBytes;
    if (left !== 0) {
      segment.quarantined = true;
      throw new HoldfastError(
        'data-corrupt',
        `${left} bytes in use of segment ${segment.number} were not found in it`,
      );
    }
    // The index must not need this segment after any crash: neither its rows nor a replay.
    await table.checkpoint({ ...log.end, ceiling: this.#options.ceiling() });
    const freedBytes = segment.sizeBytes;
    try {
      await log.remove(segment);
    } catch (error) {
      throw this.#options.state.fail(error);
    }
    table.counts.forget(segment.number);
    report({ type: 'segment-compacted', segment: segment.number, copiedBytes, freedBytes });
    return true;
  }

  #rest(durationMs: number): Promise<void> {
    if (!this.#options.throttled || this.#stopped || durationMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resting = { timer: this.#options.clock.after(durationMs, resolve), resolve };
    });
  }

  #choose(): Segment | undefined {
    const { log, table } = this.#options;
    let best: Segment | undefined;
    let bestPart = DEAD_PART_MIN;
    for (const segment of log.segments) {
      const { liveBytes, purgeBytes } = table.counts.segment(segment.number);
      if (!log.isSealed(segment) || (segment.quarantined && liveBytes > 0)) continue;
      // Purges of the oldest segment have nothing left to hide.
      const neededBytes = liveBytes + (log.isOldest(segment) ? 0 : purgeBytes);
      const part = 1 - neededBytes / Math.max(1, segment.sizeBytes - SEGMENT_HEADER_BYTES);
      if (part < bestPart) continue;
      best = segment;
      bestPart = part;
    }
    return best;
  }

  /** Returns the bytes copied, or undefined when the segment was left alone. */
  async #copy(segment: Segment): Promise<number | undefined> {
    const { table, log } = this.#options;
    const keepsPurges = !log.isOldest(segment);
    const counts = table.counts.segment(segment.number);
    const purgesKnown = segment.number >= table.counts.purgesKnownFrom;
    const hasPurges = keepsPurges && (!purgesKnown || counts.purgeBytes > 0);
    if (counts.liveBytes === 0 && !hasPurges) return 0;
    const turn = new Turn(this.#options.clock, (durationMs) => this.#rest(durationMs));
    let damaged = false;
    await scanSegment({
      file: segment.file,
      segment: segment.number,
      from: SEGMENT_HEADER_BYTES,
      sizeBytes: segment.sizeBytes,
      sealed: true,
      corrupt: (offset, bytes) => {
        damaged = true;
        const where = `log ${segment.number}:${offset}`;
        this.#options.report({ type: 'data-corrupt', where, bytes });
      },
      visit: (entry, offset) => {
        if (this.#stopped) throw new HoldfastError('aborted', 'the device is being closed');
        const type = entryType(entry);
        if (type === entryTypes.record) this.#copyRecord(turn, entry, segment.number, offset);
        else if (type === entryTypes.purge && keepsPurges) this.#copyPurge(turn, entry);
        return turn.waitingBytes >= COPY_BYTES_AT_ONCE ? turn.end() : undefined;
      },
    });
    await turn.end();
    if (damaged) segment.quarantined = true;
    return damaged && counts.liveBytes > 0 ? undefined : turn.copiedBytes;
  }

  #copyRecord(turn: Turn, entry: Buffer, number: number, offset: number): void {
    const { table, log } = this.#options;
    const place = { segment: number, offset };
    const copy = copyEntry(entry);
    // The key is the copy's: the bytes that were read are recycled.
    const key = entryKey(copy.head);
    if (!table.isAt(key, place)) return;
    const row = {
      ballot: entryBallot(copy.head),
      live: isEntryLive(copy.head),
      counted: entryCounted(copy.head),
      summary: entrySummary(copy.head),
    };
    const copied = log.append(
      lanes.copy,
      copy,
      (segment, at, length) => table.put(key, { ...row, segment, offset: at, length }),
      () => table.isAt(key, place),
    );
    turn.add(copied, copy.length);
  }

  #copyPurge(turn: Turn, entry: Buffer): void {
    const { table, log } = this.#options;
    const copy = copyEntry(entry);
    const key = entryKey(copy.head);
    // A key that has a row was written after the purge, and hides whatever is older by itself.
    const admit = (): boolean => table.get(key) === undefined;
    if (!admit()) return;
    const placed = (segment: number, offset: number, length: number): void => {
      table.counts.addPurge(segment, offset, length);
    };
    turn.add(log.append(lanes.purge, copy, placed, admit), copy.length);
  }
}

/** A bounded amount of copying, and the rest after it. */
class Turn {
  waitingBytes = 0;
  copiedBytes = 0;
  readonly #clock: Clock;
  readonly #rest: (durationMs: number) => Promise<void>;
  #waiting: Promise<boolean>[] = [];
  #startedMs: number;

  constructor(clock: Clock, rest: (durationMs: number) => Promise<void>) {
    this.#clock = clock;
    this.#rest = rest;
    this.#startedMs = clock.monotonicMs();
  }

  add(copied: Promise<boolean>, bytes: number): void {
    // It may fail while the segment is read on; `end` throws that, and until then it must not count as unhandled.
    copied.catch(() => undefined);
    this.#waiting.push(copied);
    this.waitingBytes += bytes;
  }

  async end(): Promise<void> {
    const waiting = this.#waiting;
    this.copiedBytes += this.waitingBytes;
    this.#waiting = [];
    this.waitingBytes = 0;
    await Promise.all(waiting);
    await this.#rest((this.#clock.monotonicMs() - this.#startedMs) * REST_FACTOR);
    this.#startedMs = this.#clock.monotonicMs();
  }
}
