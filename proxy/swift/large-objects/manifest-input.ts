/** What a client puts as the manifest of a static large object (OpenStack Object Storage API, "Static large objects"). */
import { badRequest, SwiftError } from '../errors.ts';

export const manifestLimits = { segmentsMax: 1000, manifestBytesMax: 8 * 1024 * 1024 } as const;

/** A range of a segment, of its bytes `first` … `last` (included); a suffix when `first` is undefined. */
export interface SegmentRange {
  readonly first: number | undefined;
  readonly last: number | undefined;
}

export interface WantedObject {
  /** `/container/object`, not encoded. */
  readonly path: string;
  readonly etag: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly range: SegmentRange | undefined;
}

export type WantedSegment = WantedObject | { readonly data: Buffer };

const OBJECT_KEYS: ReadonlySet<string> = new Set(['path', 'etag', 'size_bytes', 'range']);
const RANGE = /^\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const PROBLEMS_MAX = 100;

class Problem extends Error {}

/**
 * @param ownPath `/container/object` of the manifest itself, which cannot be a segment of it.
 * Throws 400 with a line for each entry that is wrong, and 413 for too many.
 */
export function parseManifest(text: string, ownPath: string): WantedSegment[] {
  const entries = parseList(text);
  const segments: WantedSegment[] = [];
  const problems: string[] = [];
  for (const [index, entry] of entries.entries()) {
    try {
      segments.push(parseSegment(entry, index === entries.length - 1, ownPath));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (problems.length < PROBLEMS_MAX) problems.push(`Index ${index}: ${error.message}\n`);
    }
  }
  if (problems.length === 0 && segments.length > 0 && segments.every((segment) => 'data' in segment))
    problems.push('Inline data segments require at least one object-backed segment.\n');
  if (problems.length > 0) throw badRequest(problems.join(''));
  const objects = segments.filter((segment) => 'path' in segment);
  if (objects.length > manifestLimits.segmentsMax) {
    const text = `Number of object-backed segments must be <= ${manifestLimits.segmentsMax}`;
    throw new SwiftError(413, text, { contentType: 'text/plain; charset=UTF-8' });
  }
  return segments;
}

function parseList(text: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest('Manifest must be valid JSON.\n');
  }
  if (!Array.isArray(value)) throw badRequest('Manifest must be a list.\n');
  return value as unknown[];
}

function parseSegment(entry: unknown, isLast: boolean, ownPath: string): WantedSegment {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new Problem('not a JSON object');
  const fields = entry as Readonly<Record<string, unknown>>;
  if (fields['data'] !== undefined) return { data: parseData(fields) };
  if (fields['path'] === undefined) throw new Problem("expected keys to include one of 'path' or 'data'");
  refuseOthers(fields, OBJECT_KEYS);
  const path = parsePath(fields['path'], ownPath);
  const etag = fields['etag'] ?? undefined;
  if (etag !== undefined && typeof etag !== 'string')
    throw new Problem('"etag" must be a string or null (if provided)');
  const sizeBytes = parseSize(fields['size_bytes'], isLast);
  const range = parseRange(fields['range']);
  if (range !== undefined && sizeBytes !== undefined && placeSegmentRange(range, sizeBytes) === undefined)
    throw new Problem('unsatisfiable range');
  return { path, etag, sizeBytes, range };
}

function refuseOthers(fields: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): void {
  const others = Object.keys(fields).filter((key) => !known.has(key));
  if (others.length === 0) return;
  const named = others
    .slice(0, 8)
    .toSorted()
    .map((key) => JSON.stringify(key.slice(0, 64)));
  throw new Problem(`extraneous keys ${named.join(', ')}`);
}

function parseData(fields: Readonly<Record<string, unknown>>): Buffer {
  refuseOthers(fields, new Set(['data']));
  const text = fields['data'];
  if (typeof text !== 'string' || text.length % 4 !== 0 || !BASE64.test(text))
    throw new Problem('data must be valid base64');
  const data = Buffer.from(text, 'base64');
  if (data.length < 1) throw new Problem('too small; each segment must be at least 1 byte.');
  return data;
}

function parsePath(value: unknown, ownPath: string): string {
  if (typeof value !== 'string') throw new Problem('"path" must be a string');
  const path = `/${value.replace(/^\/+/, '')}`;
  if (!path.slice(1).replace(/\/+$/, '').includes('/')) {
    throw new Problem('path does not refer to an object. Path must be of the form /container/object.');
  }
  if (path === ownPath) throw new Problem('manifest must not include itself as a segment');
  return path;
}

function parseSize(value: unknown, isLast: boolean): number | undefined {
  if (value === undefined || value === null) return undefined;
  const size = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof size !== 'number' || !Number.isSafeInteger(size)) throw new Problem('invalid size_bytes');
  if (size < 1 && !isLast) throw new Problem('too small; each segment must be at least 1 byte.');
  return size;
}

function parseRange(value: unknown): SegmentRange | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new Problem('invalid range');
  if (value.includes(',')) throw new Problem('multiple ranges (only one allowed)');
  const found = RANGE.exec(value);
  const [, first = '', last = ''] = found ?? [];
  if (first === '' && last === '') throw new Problem('invalid range');
  if (first !== '' && last !== '' && Number(last) < Number(first)) throw new Problem('invalid range');
  return { first: first === '' ? undefined : Number(first), last: last === '' ? undefined : Number(last) };
}

/** Where the range is in a segment of that size, its last byte included; undefined when it has no byte there. */
export function placeSegmentRange(
  { first, last }: SegmentRange,
  sizeBytes: number,
): { first: number; last: number } | undefined {
  if (first === undefined) {
    if (last === undefined || last === 0 || sizeBytes === 0) return undefined;
    return { first: Math.max(0, sizeBytes - last), last: sizeBytes - 1 };
  }
  if (first >= sizeBytes) return undefined;
  return { first, last: Math.min(sizeBytes - 1, last ?? sizeBytes - 1) };
}
