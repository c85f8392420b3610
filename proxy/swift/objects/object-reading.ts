/** What GET and HEAD of an object have in common: the object, its conditions, its ranges and its headers. */
import { type ByteRange, parseRangeSet } from '#proxy/http/byte-range.ts';
import { readConditions } from '#proxy/http/conditions.ts';
import { httpTime } from '#proxy/http/http-time.ts';
import { type MultipartByteRanges, multipartByteRanges } from '#proxy/http/multipart-byteranges.ts';
import type { ObjectRecord } from '#proxy/objects/object-record.ts';
import { readableContainer } from '../container-of.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import type { FlatHeaders } from '../reply.ts';
import type { SwiftRequest } from '../request.ts';
import { judgeSwiftRead } from './conditions.ts';
import { findObject, type ShownObject, showObject } from './find-object.ts';
import { checkObjectName } from './object-name.ts';
import { writeStoredHeaders } from './stored-metadata.ts';

export interface Reading {
  readonly record: ObjectRecord;
  readonly shown: ShownObject;
  readonly status: 200 | 206;
  readonly headers: FlatHeaders;
  readonly ranges: readonly ByteRange[];
  /** Undefined when one range goes out as it is. */
  readonly multipart: MultipartByteRanges | undefined;
}

const rangeLimits = { rangesMax: 50, overlapsMax: 2, descentsMax: 8 } as const;

/** Undefined when the client has the object already and has been told so. */
export async function beginReading(
  request: SwiftRequest,
  context: SwiftContext,
): Promise<Reading | undefined> {
  checkObjectName(request.object);
  const { bucket } = await readableContainer(request, context);
  const record = await findObject(context, bucket, request.object);
  const shown = await showObject(request, context, record);
  const headers: FlatHeaders = ['Etag', shownEtag(shown)];
  writeStoredHeaders(headers, record);
  const { largeObject } = record.metadata.swift ?? {};
  if (largeObject !== undefined) headers.push('X-Manifest-Etag', record.metadata.etag);
  const conditions = readConditions((name) => request.header(name));
  const verdict = judgeSwiftRead(conditions, { etag: shown.etag, modifiedMs: record.modifiedMs });
  if (verdict === 'failed') throw new SwiftError(412, undefined, { headers });
  if (verdict === 'not-modified') {
    request.reply.empty(304, headers);
    return undefined;
  }
  return withRanges(request, record, shown, headers, () => context.randomness.bytes(16).toString('hex'));
}

/** Quoted where it is made of segments' (as Swift has it, and S3 has every one). */
export function shownEtag({ kind, etag }: Pick<ShownObject, 'kind' | 'etag'>): string {
  return kind === 'static' || kind === 'dynamic' ? `"${etag}"` : etag;
}

function withRanges(
  request: SwiftRequest,
  record: ObjectRecord,
  shown: ShownObject,
  headers: FlatHeaders,
  boundary: () => string,
): Reading {
  const { sizeBytes } = shown.source;
  const wanted = requestedRanges(request, record, shown);
  if (wanted === 'unsatisfiable') {
    throw new SwiftError(416, undefined, { headers: [...headers, 'Content-Range', `bytes */${sizeBytes}`] });
  }
  // Of a dynamic large object only one range can be had at a time.
  const several = wanted !== undefined && wanted.length > 1;
  const [first] = wanted ?? [];
  if (first === undefined || (several && shown.kind === 'dynamic')) {
    headers.push('Content-Type', shown.contentType, 'Content-Length', sizeBytes);
    return {
      record,
      shown,
      status: 200,
      headers,
      ranges: [{ start: 0, end: sizeBytes }],
      multipart: undefined,
    };
  }
  if (!several) {
    headers.push('Content-Type', shown.contentType, 'Content-Length', first.end - first.start);
    headers.push('Content-Range', `bytes ${first.start}-${first.end - 1}/${sizeBytes}`);
    return { record, shown, status: 206, headers, ranges: [first], multipart: undefined };
  }
  const multipart = multipartByteRanges(wanted, sizeBytes, shown.contentType, boundary());
  headers.push('Content-Type', multipart.contentType, 'Content-Length', multipart.lengthBytes);
  return { record, shown, status: 206, headers, ranges: wanted, multipart };
}

function requestedRanges(
  request: SwiftRequest,
  { modifiedMs }: ObjectRecord,
  shown: ShownObject,
): readonly ByteRange[] | 'unsatisfiable' | undefined {
  const header = request.header('range');
  if (header === undefined || request.method === 'HEAD') return undefined;
  // If-Range (RFC 9110, section 13.1.5): the range only of the very object that the client has a part of.
  const ifRange = request.header('if-range');
  const current = [shown.etag, `"${shown.etag}"`, httpTime(modifiedMs)];
  if (ifRange !== undefined && !current.includes(ifRange)) return undefined;
  return parseRangeSet(header, shown.source.sizeBytes, rangeLimits);
}
