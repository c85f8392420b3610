/** Opens the segments of a log and reads what the index does not have yet: docs/formats/log.md, recovery. */
import { HoldfastError } from '#common/errors.ts';
import type { OpenFile } from '#common/io/files.ts';
import { Log, type LogOptions, type LogPosition, createSegment } from './log.ts';
import { SEGMENT_HEADER_BYTES } from './log-format.ts';
import { type ScanResult, scanSegment } from './log-scan.ts';
import { type SegmentHeader, decodeSegmentHeader } from './segment-header.ts';
import { Segment, segmentName, segmentNumber } from './segment.ts';

export interface OpenSegments {
  /** In order of numbers. */
  readonly segments: Segment[];
  /** The highest ceiling in their headers. */
  readonly ceiling: number;
}

/** Gets every entry in order; its bytes are recycled. */
export type Visit = (entry: Buffer, segment: number, offset: number) => Promise<void> | undefined;

export async function openSegments(options: LogOptions): Promise<OpenSegments> {
  const names = await options.files.list(options.folder);
  const numbers = names.map(({ name }) => segmentNumber(name)).filter((one) => one !== undefined);
  numbers.sort((a, b) => a - b);
  const segments: Segment[] = [];
  let ceiling = 0;
  for (const number of numbers) {
    const isLast = number === numbers.at(-1);
    // One after the other: a device has thousands, and each is one small read.
    const opened = await openSegment(options, number, isLast);
    if (!opened) continue;
    const { segment, header } = opened;
    checkPrevious(options, header, segments.at(-1));
    ceiling = Math.max(ceiling, header?.ceiling ?? 0);
    segments.push(segment);
  }
  return { segments, ceiling };
}

type Opened = { readonly segment: Segment; readonly header: SegmentHeader | undefined };

async function openSegment(
  options: LogOptions,
  number: number,
  isLast: boolean,
): Promise<Opened | undefined> {
  const path = `${options.folder}/${segmentName(number)}`;
  const file = await options.files.open(path, 'append');
  const sizeBytes = await file.size();
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  const had = await file.read(bytes, 0, SEGMENT_HEADER_BYTES, 0);
  const header = decodeSegmentHeader(bytes.subarray(0, had));
  if (!header && isLast && sizeBytes <= SEGMENT_HEADER_BYTES) {
    // It was being made: entries are written only when the header is durable.
    await file.close();
    await options.files.unlink(path);
    return undefined;
  }
  const segment = new Segment(number, file, sizeBytes);
  if (!header || header.segment !== number) {
    segment.quarantined = true;
    options.report({ type: 'data-corrupt', where: `log ${number}:0`, bytes: SEGMENT_HEADER_BYTES });
  }
  return { segment, header };
}

/** A sealed segment that is shorter than its successor knows has lost its end. */
function checkPrevious(
  options: LogOptions,
  header: SegmentHeader | undefined,
  previous: Segment | undefined,
): void {
  if (!header || previous?.number !== header.previous || previous.sizeBytes >= header.previousBytes) return;
  previous.quarantined = true;
  const bytes = header.previousBytes - previous.sizeBytes;
  options.report({ type: 'data-corrupt', where: `log ${previous.number}:${previous.sizeBytes}`, bytes });
}

/** Reads the entries from `from` on, or all; cuts a torn tail off; gives the log ready to be written to. */
export async function recoverLog(
  options: LogOptions,
  segments: readonly Segment[],
  from: LogPosition | undefined,
  visit: Visit,
): Promise<Log> {
  const last = segments.at(-1);
  if (!last) {
    const first = await createSegment(options, undefined);
    return new Log(options, [first], first);
  }
  for (const segment of segments) {
    if (from && segment.number < from.segment) continue;
    const start = from?.segment === segment.number ? from.offset : SEGMENT_HEADER_BYTES;
    // The log is read in its order.
    const result = await scanSegment({
      file: segment.file,
      segment: segment.number,
      from: start,
      sizeBytes: segment.sizeBytes,
      sealed: segment !== last,
      visit: (entry, offset) => visit(entry, segment.number, offset),
      corrupt: (offset, bytes) => {
        segment.quarantined = true;
        options.report({ type: 'data-corrupt', where: `log ${segment.number}:${offset}`, bytes });
        if (from !== undefined) options.state.fail(forgotten());
      },
    });
    if (segment === last) await settleTail(options, segment, result);
  }
  // The newest segment's name may have been made by a process that was killed before it synced the folder.
  await options.files.syncDirectory(options.folder);
  return new Log(options, segments, last);
}

/** The index does not have it either, so the device would deny what it has accepted: it has no vote any more. */
function forgotten(): HoldfastError {
  return new HoldfastError('data-corrupt', 'the log has lost what its index does not have yet');
}

async function settleTail(options: LogOptions, segment: Segment, result: ScanResult): Promise<void> {
  const { file } = segment;
  const { end, lastGroup } = result;
  const tornBytes = segment.sizeBytes - end;
  if (tornBytes > 0) {
    await file.truncate(end);
    options.report({ type: 'log-tail-cut', segment: segment.number, offset: end, bytes: tornBytes });
    segment.sizeBytes = end;
  }
  // The group may be in the page cache alone, and marked clean by a sync that failed: writing it anew makes the sync real.
  if (lastGroup !== undefined) await rewrite(file, Math.max(lastGroup, SEGMENT_HEADER_BYTES), end);
  await file.sync();
}

async function rewrite(file: OpenFile, start: number, end: number): Promise<void> {
  const bytes = Buffer.allocUnsafe(end - start);
  const had = await file.read(bytes, 0, bytes.length, start);
  await file.write([bytes.subarray(0, had)], start);
}
