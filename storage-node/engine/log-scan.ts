/** Reads a segment from end to end and tells a torn tail from corruption: docs/formats/log.md, recovery. */
import type { OpenFile } from '#common/io/files.ts';
import {
  ENTRY_BYTES_MAX,
  ENTRY_HEADER_BYTES,
  ENTRY_MARKER,
  entryGroup,
  entryLengthAt,
  isEntryIntact,
} from './log-format.ts';

const WINDOW_BYTES = 4 * 1024 * 1024;

export interface ScanOptions {
  readonly file: OpenFile;
  readonly segment: number;
  /** Where the first entry begins. */
  readonly from: number;
  readonly sizeBytes: number;
  /** Whether a later segment exists: then every group here was durable. */
  readonly sealed: boolean;
  /** Gets each intact entry, in order; its bytes are recycled. A promise is awaited. */
  readonly visit: (entry: Buffer, offset: number) => Promise<void> | undefined;
  readonly corrupt: (offset: number, bytes: number) => void;
}

export interface ScanResult {
  /** Where the intact part of the segment ends; behind it is a torn tail, or nothing. */
  readonly end: number;
  /** Where the last entry's group begins, undefined when there was no entry. */
  readonly lastGroup: number | undefined;
}

export async function scanSegment(options: ScanOptions): Promise<ScanResult> {
  const window = new Window(options.file, options.segment, options.sizeBytes);
  let at = options.from;
  let lastGroup: number | undefined;
  while (at < options.sizeBytes) {
    // Entries are taken from the window without waiting; only its refill and a slow visitor are awaited.
    const entry = window.entry(at) ?? (await window.refill(at));
    if (entry) {
      lastGroup = entryGroup(entry);
      const offset = at;
      at += entry.length;
      const visited = options.visit(entry, offset);
      if (visited) await visited;
      continue;
    }
    const next = await resume(window, at, options);
    if (next === undefined) return { end: at, lastGroup };
    options.corrupt(at, next - at);
    at = next;
  }
  return { end: options.sizeBytes, lastGroup };
}

/**
 * Where reading goes on behind the damage at `at`, or undefined when it is a torn tail.
 * Damage is torn only if no entry behind it was written after its group had become durable.
 */
async function resume(window: Window, at: number, options: ScanOptions): Promise<number | undefined> {
  const first = await window.find(at + 1, () => true);
  if (options.sealed) return first ?? options.sizeBytes;
  if (first === undefined) return undefined;
  const later = await window.find(first, (entry) => entryGroup(entry) > at);
  return later === undefined ? undefined : first;
}

/** A part of the segment in memory that moves along. */
class Window {
  readonly #file: OpenFile;
  readonly #segment: number;
  readonly #sizeBytes: number;
  readonly #buffer: Buffer;
  #start = 0;
  #bytes = 0;

  constructor(file: OpenFile, segment: number, sizeBytes: number) {
    this.#file = file;
    this.#segment = segment;
    this.#sizeBytes = sizeBytes;
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(ENTRY_BYTES_MAX, Math.min(WINDOW_BYTES, sizeBytes)));
  }

  /** The intact entry at `at`, if the window holds it whole. */
  entry(at: number): Buffer | undefined {
    const within = at - this.#start;
    if (within < 0 || within + ENTRY_HEADER_BYTES > this.#bytes) return undefined;
    const length = entryLengthAt(this.#buffer, within);
    if (length === 0 || within + length > this.#bytes) return undefined;
    const entry = this.#buffer.subarray(within, within + length);
    return isEntryIntact(entry, this.#segment, at) ? entry : undefined;
  }

  /** Moves the window to `at`, unless it already holds there all that an entry can need, and looks again. */
  async refill(at: number): Promise<Buffer | undefined> {
    const needed = Math.min(at + ENTRY_BYTES_MAX, this.#sizeBytes);
    if (at >= this.#start && this.#start + this.#bytes >= needed) return undefined;
    await this.#load(at);
    return this.entry(at);
  }

  /** The offset of the first intact entry at or behind `from` that `wanted` accepts. */
  async find(from: number, wanted: (entry: Buffer) => boolean): Promise<number | undefined> {
    let at = from;
    while (at + ENTRY_HEADER_BYTES <= this.#sizeBytes) {
      // Each window is searched before the next is read.
      if (at < this.#start || at + ENTRY_MARKER.length > this.#start + this.#bytes) await this.#load(at);
      const found = this.#buffer.subarray(0, this.#bytes).indexOf(ENTRY_MARKER, at - this.#start);
      if (found < 0) {
        const end = this.#start + this.#bytes;
        if (end >= this.#sizeBytes) return undefined;
        at = Math.max(at + 1, end - ENTRY_MARKER.length + 1);
        continue;
      }
      at = this.#start + found;
      const entry = this.entry(at) ?? (await this.refill(at));
      if (entry && wanted(entry)) return at;
      at += entry ? entry.length : 1;
    }
    return undefined;
  }

  async #load(at: number): Promise<void> {
    this.#start = at;
    const wanted = Math.min(this.#buffer.length, this.#sizeBytes - at);
    this.#bytes = await this.#file.read(this.#buffer, 0, wanted, at);
  }
}
