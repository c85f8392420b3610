/** The log of a device: its segments, what is appended to the newest, and what recovery finds. docs/formats/log.md. */
import { HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Files } from '#common/io/files.ts';
import type { ReportEvent } from './device-events.ts';
import { type DeviceState, isOutOfSpace } from './device-state.ts';
import { GroupCommit, type Lane, type Placed, type Submission } from './group-commit.ts';
import { type EncodedEntry, type Location, SEGMENT_HEADER_BYTES, placeEntry } from './log-format.ts';
import { encodeSegmentHeader } from './segment-header.ts';
import { Segment, segmentName } from './segment.ts';

/** A place between entries. */
export interface LogPosition {
  readonly segment: number;
  readonly offset: number;
}

export interface LogOptions {
  /** The folder of the segments. */
  readonly folder: string;
  readonly device: number | null;
  readonly files: Files;
  readonly clock: Clock;
  readonly state: DeviceState;
  readonly segmentBytes: number;
  readonly report: ReportEvent;
  /** The ceiling that a new segment's header carries. */
  readonly ceiling: () => number;
}

export class Log {
  readonly #options: LogOptions;
  readonly #segments: Map<number, Segment>;
  readonly #commit: GroupCommit;
  readonly #commits = { groups: 0, entries: 0 };
  #active: Segment;

  /** @param segments in order of numbers, recovered; the last one is written to. */
  constructor(options: LogOptions, segments: readonly Segment[], active: Segment) {
    this.#options = options;
    this.#segments = new Map(segments.map((segment) => [segment.number, segment]));
    this.#active = active;
    this.#commit = new GroupCommit({ writeGroup: (group, bytes) => this.#writeGroup(group, bytes) });
  }

  /** Where the next entry goes; everything in front of it is durable. */
  get end(): LogPosition {
    return { segment: this.#active.number, offset: this.#active.sizeBytes };
  }

  /** All segments, in order of numbers. */
  get segments(): Iterable<Segment> {
    return this.#segments.values();
  }

  /** Groups that were written and synced since the log was opened, and the entries in them. */
  get commits(): Readonly<{ groups: number; entries: number }> {
    return this.#commits;
  }

  get sizeBytes(): number {
    let bytes = 0;
    for (const segment of this.#segments.values()) bytes += segment.sizeBytes;
    return bytes;
  }

  isSealed(segment: Segment): boolean {
    return segment !== this.#active;
  }

  isOldest(segment: Segment): boolean {
    const [first] = this.#segments.values();
    return segment === first;
  }

  /**
   * Resolves when the entry is durable and `placed` has been called, or to false when `admit` refused it.
   * Throws `device-failed`, `device-full` (the system is out of space), `overloaded`.
   */
  append(lane: Lane, entry: EncodedEntry, placed: Placed, admit?: () => boolean): Promise<boolean> {
    return this.#commit.submit(lane, { entry, admit, placed });
  }

  /** The intact bytes of an entry. Throws `data-corrupt`, or `device-failed` when the disk cannot be read. */
  read(location: Location): Buffer {
    const segment = this.#segments.get(location.segment);
    if (!segment)
      throw new HoldfastError('data-corrupt', `segment ${location.segment} of the log is missing`);
    try {
      return segment.readEntry(location);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw this.#options.state.fail(error);
      segment.quarantined = true;
      const where = `log ${location.segment}:${location.offset}`;
      this.#options.report({ type: 'data-corrupt', where, bytes: location.length });
      throw error;
    }
  }

  /**
   * Unlinks a sealed segment, durably: if a power loss could bring it back when a later one is gone, a purge in the later
   * one would no longer hide what it holds.
   */
  async remove(segment: Segment): Promise<void> {
    const { files, folder } = this.#options;
    this.#segments.delete(segment.number);
    // Before it is unlinked: whoever closes a file last, when its name is gone, waits for the system to free it.
    await segment.file.close();
    await files.unlink(`${folder}/${segmentName(segment.number)}`);
    await files.syncDirectory(folder);
  }

  /** Takes nothing more, and resolves when everything that was appended has been answered. */
  drain(): Promise<void> {
    return this.#commit.close();
  }

  async close(): Promise<void> {
    await this.drain();
    await Promise.all(Array.from(this.#segments.values(), ({ file }) => file.close()));
  }

  async #writeGroup(group: readonly Submission[], bytes: number): Promise<void> {
    const { state } = this.#options;
    state.check();
    const isEmpty = this.#active.sizeBytes === SEGMENT_HEADER_BYTES;
    if (!isEmpty && this.#active.sizeBytes + bytes > this.#options.segmentBytes) await this.#roll();
    const segment = this.#active;
    const start = segment.sizeBytes;
    const chunks: Buffer[] = [];
    let at = start;
    for (const { entry } of group) {
      placeEntry(entry, segment.number, at, start);
      chunks.push(entry.head);
      if (entry.tail) chunks.push(entry.tail);
      at += entry.length;
    }
    try {
      await segment.file.writeThrough(chunks, start);
    } catch (error) {
      throw await this.#retreat(segment, start, error);
    }
    segment.sizeBytes = at;
    this.#commits.groups += 1;
    this.#commits.entries += group.length;
    at = start;
    for (const { entry, placed } of group) {
      placed(segment.number, at, entry.length);
      at += entry.length;
    }
  }

  /** Out of space, the group is cut off again; otherwise, and when its sync was what failed, the device is out. */
  async #retreat(segment: Segment, start: number, error: unknown): Promise<HoldfastError> {
    const { state } = this.#options;
    if (!isOutOfSpace(error)) return state.fail(error);
    try {
      await segment.file.truncate(start);
      await segment.file.sync();
    } catch (cause) {
      return state.fail(cause);
    }
    return state.outOfSpace(error);
  }

  async #roll(): Promise<void> {
    const { state } = this.#options;
    const sealed = this.#active;
    try {
      this.#active = await createSegment(this.#options, sealed);
      sealed.file.endWritesThrough();
    } catch (error) {
      throw state.writeFailed(error);
    }
    this.#segments.set(this.#active.number, this.#active);
  }
}

/** Makes the segment behind `previous` and makes it durable, name and header, before anything is written to it. */
export async function createSegment(options: LogOptions, previous: Segment | undefined): Promise<Segment> {
  const { files, folder } = options;
  const number = (previous?.number ?? 0) + 1;
  const path = `${folder}/${segmentName(number)}`;
  // An attempt that ran out of space may have left its file; nothing was ever written behind its header.
  if (await files.exists(path)) await files.unlink(path);
  const file = await files.open(path, 'create');
  const header = encodeSegmentHeader({
    device: options.device,
    segment: number,
    previous: previous?.number ?? 0,
    previousBytes: previous?.sizeBytes ?? 0,
    createdMs: options.clock.nowMs(),
    ceiling: options.ceiling(),
  });
  try {
    await file.write([header], 0);
    await file.sync();
    await files.syncDirectory(folder);
  } catch (error) {
    // Without it the segment before stays the newest, and a crash may still tear its end.
    await file.close();
    await files.unlink(path);
    await files.syncDirectory(folder);
    throw error;
  }
  return new Segment(number, file, SEGMENT_HEADER_BYTES);
}
