/** Ranges of bytes (RFC 9110, section 14). */
export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

const RANGE = /^bytes=\s*(\d*)-(\d*)\s*$/;
const RANGE_SET = /^\s*bytes\s*=(.*)$/is;
const RANGE_SPEC = /^\s*(\d*)\s*-\s*(\d*)\s*$/;

/**
 * One range. Undefined where the header is to be ignored: malformed, another unit, or several ranges. `unsatisfiable`
 * when the object has no byte in it.
 */
export function parseRange(header: string, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const found = RANGE.exec(header);
  if (found === null) return undefined;
  return placeRange(found[1] ?? '', found[2] ?? '', sizeBytes);
}

/** What a server takes on of a set of ranges. A longer or more wasteful set is ignored, as RFC 9110 advises (14.2). */
export interface RangeSetLimits {
  readonly rangesMax: number;
  /** Pairs of ranges that share a byte. */
  readonly overlapsMax: number;
  /** Ranges that begin before the one ahead of them. */
  readonly descentsMax: number;
}

/**
 * A set of ranges, in the order of the header, without those that the object has no byte of. Undefined where the header
 * is to be ignored: malformed, another unit, or beyond the limits. `unsatisfiable` when no range is left. White space
 * and the letters' case are taken as they come.
 */
export function parseRangeSet(
  header: string,
  sizeBytes: number,
  limits: RangeSetLimits,
): readonly ByteRange[] | 'unsatisfiable' | undefined {
  const found = RANGE_SET.exec(header);
  if (found === null) return undefined;
  const specs = (found[1] ?? '').split(',', limits.rangesMax + 1);
  if (specs.length > limits.rangesMax) return undefined;
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const parts = RANGE_SPEC.exec(spec);
    if (parts === null) return undefined;
    const range = placeRange(parts[1] ?? '', parts[2] ?? '', sizeBytes);
    if (range === undefined) return undefined;
    if (range !== 'unsatisfiable') ranges.push(range);
  }
  if (ranges.length === 0) return 'unsatisfiable';
  return isWasteful(ranges, limits) ? undefined : ranges;
}

function placeRange(first: string, last: string, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  if (first === '') {
    if (last === '') return undefined;
    const suffix = Number(last);
    if (suffix === 0 || sizeBytes === 0) return 'unsatisfiable';
    return { start: Math.max(0, sizeBytes - suffix), end: sizeBytes };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= sizeBytes) return 'unsatisfiable';
  return { start, end: last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1) };
}

function isWasteful(ranges: readonly ByteRange[], limits: RangeSetLimits): boolean {
  let overlaps = 0;
  let descents = 0;
  for (const [index, range] of ranges.entries()) {
    const before = ranges[index - 1];
    if (before !== undefined && range.start < before.start) descents += 1;
    for (const other of ranges.slice(0, index)) {
      if (range.start < other.end && other.start < range.end) overlaps += 1;
    }
  }
  return overlaps > limits.overlapsMax || descents > limits.descentsMax;
}
