/** Looks at every segment that a manifest names, and makes of them what is stored. */
import { placeSegmentRange, type WantedObject, type WantedSegment } from './manifest-input.ts';
import type { StoredSegment } from '#proxy/large-objects/stored-manifest.ts';
import { representationOf, SegmentError } from '#proxy/large-objects/representation.ts';
import { readObject } from '#proxy/objects/object-store.ts';
import { isExpired } from '#proxy/objects/swift-properties.ts';
import type { ReportedError } from '../bulk/bulk-report.ts';
import { statusLine } from '../bulk/status-line.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import { besides, readableElsewhere } from '../objects/elsewhere.ts';
import { segmentReader } from '../objects/segment-reader.ts';
import { encodePath } from '../objects/stored-metadata.ts';
import type { SwiftRequest } from '../request.ts';

const CONCURRENT = 16;

/** What there is under a segment's path. */
interface Found {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly contentType: string;
  readonly modifiedMs: number;
  readonly isStatic: boolean;
}

export interface CheckedSegments {
  readonly segments: readonly StoredSegment[];
  /** Of the object that they make together. */
  readonly sizeBytes: number;
  readonly problems: readonly ReportedError[];
}

/** @param request its account is the segments'. */
export async function checkSegments(
  request: SwiftRequest,
  context: SwiftContext,
  wanted: readonly WantedSegment[],
): Promise<CheckedSegments> {
  const paths = [...new Set(wanted.flatMap((segment) => ('path' in segment ? [segment.path] : [])))];
  const found = new Map<string, Found | SwiftError>();
  for (let at = 0; at < paths.length; at += CONCURRENT) {
    const some = paths.slice(at, at + CONCURRENT);
    const looked = await Promise.all(some.map((path) => lookAt(request, context, path)));
    for (const [index, path] of some.entries()) found.set(path, looked[index] as Found | SwiftError);
  }
  const problems: ReportedError[] = [];
  const segments: StoredSegment[] = [];
  let sizeBytes = 0;
  for (const [index, segment] of wanted.entries()) {
    if ('data' in segment) {
      segments.push({ data: segment.data.toString('base64') });
      sizeBytes += segment.data.length;
      continue;
    }
    const problem = (text: string) => problems.push([encodePath(segment.path.slice(1)), text]);
    const there = found.get(segment.path);
    if (there === undefined || there instanceof SwiftError) {
      problem(statusLine(there?.status ?? 404));
      continue;
    }
    const { stored, lengthBytes } = checkOne(segment, there, index === wanted.length - 1, problem);
    segments.push(stored);
    sizeBytes += lengthBytes;
  }
  return { segments, sizeBytes, problems };
}

async function lookAt(
  request: SwiftRequest,
  context: SwiftContext,
  path: string,
): Promise<Found | SwiftError> {
  const [, container = '', ...rest] = path.split('/');
  try {
    const place = await readableElsewhere(request, context, besides(request, container));
    const record = await readObject(context.cluster, place, rest.join('/'));
    if (record === undefined || isExpired(record.metadata.swift, context.clock.nowMs()))
      return new SwiftError(404);
    const { kind, etag, source } = await representationOf(segmentReader(request, context), record);
    return {
      sizeBytes: source.sizeBytes,
      etag,
      contentType: record.metadata.headers['content-type'] ?? '',
      modifiedMs: record.modifiedMs,
      isStatic: kind === 'static',
    };
  } catch (error) {
    if (error instanceof SwiftError) return error;
    if (error instanceof SegmentError) return new SwiftError(409, undefined, { cause: error });
    throw error;
  }
}

function checkOne(
  wanted: WantedObject,
  found: Found,
  isLast: boolean,
  problem: (text: string) => void,
): { stored: StoredSegment; lengthBytes: number } {
  const { sizeBytes, etag, contentType, modifiedMs, isStatic } = found;
  const whole = { first: 0, last: sizeBytes - 1 };
  const placed = wanted.range === undefined ? whole : placeSegmentRange(wanted.range, sizeBytes);
  if (placed === undefined) problem('Unsatisfiable Range');
  const { first, last } = placed ?? whole;
  const lengthBytes = last - first + 1;
  if (lengthBytes < 1 && !isLast) problem('Too small; each segment must be at least 1 byte.');
  if (wanted.sizeBytes !== undefined && wanted.sizeBytes !== sizeBytes) problem('Size Mismatch');
  if (wanted.etag !== undefined && wanted.etag !== etag) problem('Etag Mismatch');
  const stored: StoredSegment = {
    name: wanted.path,
    bytes: sizeBytes,
    hash: etag,
    content_type: contentType,
    last_modified: new Date(modifiedMs).toISOString().replace('Z', '000'),
    ...(lengthBytes === sizeBytes ? {} : { range: `${first}-${last}` }),
    ...(isStatic ? { sub_slo: true as const } : {}),
  };
  return { stored, lengthBytes };
}
