/** What GetObject and HeadObject have in common: the object, its conditions, its range and its headers. */
import { type ByteRange, parseRange } from '#proxy/http/byte-range.ts';
import { judgeRead, readConditions } from '#proxy/http/conditions.ts';
import { httpTime } from '#proxy/http/http-time.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import type { BodySource } from '#proxy/objects/body-source.ts';
import { isLarge } from '#proxy/large-objects/representation.ts';
import { readLayout } from '#proxy/objects/object-body.ts';
import type { ObjectRecord } from '#proxy/objects/object-record.ts';
import { PART_NUMBER_MAX } from '#proxy/objects/part-record.ts';
import { bucketOf } from './bucket-of.ts';
import { pushChecksum } from './checksums.ts';
import type { S3Context } from './context.ts';
import { invalidArgument, S3Error } from './errors.ts';
import { writeStoredHeaders } from './object-headers.ts';
import { wholeObject } from './large-object.ts';
import { pushLock } from './object-lock/lock-headers.ts';
import { presentObject } from './object-of.ts';
import type { FlatHeaders } from './reply.ts';
import type { S3Request } from './request.ts';
import { pushVersion } from './version-headers.ts';

export interface Reading {
  readonly record: ObjectRecord;
  readonly status: 200 | 206;
  readonly range: ByteRange;
  readonly headers: FlatHeaders;
  /** Where the bytes of a large object come from, whose record has none of its own. */
  readonly source: BodySource | undefined;
}

const overridable: Readonly<Record<string, string>> = {
  'response-content-type': 'content-type',
  'response-cache-control': 'cache-control',
  'response-content-disposition': 'content-disposition',
  'response-content-encoding': 'content-encoding',
  'response-content-language': 'content-language',
  'response-expires': 'expires',
};

/** Undefined when the client has the object already and has been told so. */
export async function beginReading(request: S3Request, context: S3Context): Promise<Reading | undefined> {
  const bucket = await bucketOf(request, context);
  const present = await presentObject(request, context, bucket);
  const whole = isLarge(present) ? await wholeObject(request, context, bucket, present) : undefined;
  const record = whole?.record ?? present;
  const { metadata, modifiedMs } = record;
  const header = (name: string) => request.header(name);
  const verdict = judgeRead(readConditions(header), { etag: metadata.etag, modifiedMs });
  if (verdict === 'failed') throw new S3Error('PreconditionFailed');
  if (verdict === 'not-modified') {
    const headers: FlatHeaders = ['ETag', `"${metadata.etag}"`, 'Last-Modified', httpTime(modifiedMs)];
    const cacheControl = metadata.headers['cache-control'];
    if (cacheControl !== undefined) headers.push('Cache-Control', cacheControl);
    request.reply.empty(304, headers);
    return undefined;
  }
  const headers = headersOf(request, context, bucket, record);
  const isPart = request.query.get('partNumber') !== undefined;
  const part = isPart ? await partRange(request, context, record, headers) : undefined;
  return readingOf(request, record, headers, part, whole?.source);
}

function headersOf(
  request: S3Request,
  context: S3Context,
  bucket: BucketRecord,
  record: ObjectRecord,
): FlatHeaders {
  const { metadata, modifiedMs } = record;
  const headers: FlatHeaders = [];
  pushVersion(headers, bucket, record.version);
  pushLock(headers, metadata.lock);
  writeStoredHeaders(headers, metadata, modifiedMs, overrides(request));
  // A version that is asked for by its id may not be the current one, which alone expires.
  const expiration =
    request.query.get('versionId') === undefined
      ? context.expirations.of(bucket, request.key, metadata, modifiedMs)
      : undefined;
  if (expiration !== undefined) headers.push('x-amz-expiration', expiration);
  return headers;
}

function readingOf(
  request: S3Request,
  record: ObjectRecord,
  headers: FlatHeaders,
  part: ByteRange | undefined,
  source: BodySource | undefined,
): Reading {
  const { metadata } = record;
  const range = part ?? requestedRange(request, record);
  const whole = { start: 0, end: metadata.sizeBytes };
  if (wantsChecksum(request) && range === undefined) {
    pushChecksum(headers, metadata.checksum);
  }
  const { start, end } = range ?? whole;
  headers.push('Content-Length', end - start);
  if (range === undefined || metadata.sizeBytes === 0)
    return { record, status: 200, range: whole, headers, source };
  headers.push('Content-Range', `bytes ${start}-${end - 1}/${metadata.sizeBytes}`);
  return { record, status: 206, range, headers, source };
}

function wantsChecksum(request: S3Request): boolean {
  return request.header('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED';
}

function requestedRange(request: S3Request, { metadata, modifiedMs }: ObjectRecord): ByteRange | undefined {
  const header = request.header('range');
  if (header === undefined) return undefined;
  // If-Range (RFC 9110, section 13.1.5): the range only of the very object that the client has a part of.
  const ifRange = request.header('if-range');
  if (ifRange !== undefined && ifRange !== `"${metadata.etag}"` && ifRange !== httpTime(modifiedMs))
    return undefined;
  const range = parseRange(header, metadata.sizeBytes);
  if (range !== 'unsatisfiable') return range;
  throw new S3Error('InvalidRange', undefined, {
    headers: { 'Content-Range': `bytes */${metadata.sizeBytes}` },
    fields: { RangeRequested: header.slice(0, 256), ActualObjectSize: String(metadata.sizeBytes) },
  });
}

/** The bytes of one part of a multipart object; the whole of one that was put in one piece. */
async function partRange(
  request: S3Request,
  context: S3Context,
  record: ObjectRecord,
  headers: FlatHeaders,
): Promise<ByteRange | undefined> {
  const text = request.query.get('partNumber');
  if (text === undefined) return undefined;
  if (request.header('range') !== undefined) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter.');
  }
  const wanted = parsePartNumber(text);
  const { parts } = await readLayout(context.cluster.bodies, record);
  if (parts.length === 0 && wanted === 1) return { start: 0, end: record.metadata.sizeBytes };
  const index = parts.findIndex((part) => part.number === wanted);
  if (index < 0) throw new S3Error('InvalidPartNumber', undefined, { fields: { PartNumberRequested: text } });
  headers.push('x-amz-mp-parts-count', parts.length);
  const { checksum } = record.metadata;
  const value = parts[index]?.checksum;
  if (wantsChecksum(request) && checksum !== undefined && value !== undefined)
    pushChecksum(headers, { algorithm: checksum.algorithm, value });
  let start = 0;
  for (const part of parts.slice(0, index)) start += part.sizeBytes;
  return { start, end: start + (parts[index]?.sizeBytes ?? 0) };
}

export function parsePartNumber(text: string): number {
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number >= 1 && number <= PART_NUMBER_MAX) return number;
  const message = `Part number must be an integer between 1 and ${PART_NUMBER_MAX}, inclusive`;
  throw invalidArgument(message, 'partNumber', text);
}

function overrides(request: S3Request): Readonly<Record<string, string>> | undefined {
  let found: Record<string, string> | undefined;
  for (const parameter of request.query.names()) {
    const name = overridable[parameter];
    if (name === undefined) continue;
    found ??= {};
    found[name] = headerValue(parameter, request.query.get(parameter) ?? '');
  }
  return found;
}

/** Text of a URL as a header can carry it: UTF-8 bytes, and no character that would end the header. */
function headerValue(parameter: string, text: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(text)) {
    throw invalidArgument('A header value must not contain control characters', parameter, text);
  }
  return Buffer.from(text).toString('latin1');
}
