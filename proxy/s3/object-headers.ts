/** Headers that are stored with an object and come back with it. */
import type { IncomingHttpHeaders } from 'node:http';
import { httpTime } from '#proxy/http/http-time.ts';
import type { ObjectMetadata } from '#proxy/objects/object-record.ts';
import { invalidArgument, notImplemented, S3Error } from './errors.ts';
import type { FlatHeaders } from './reply.ts';

export type StoredHeaders = Pick<ObjectMetadata, 'headers' | 'user'>;

const USER_PREFIX = 'x-amz-meta-';
/** Names and values together (Amazon S3 User Guide, "User-defined object metadata"). */
const USER_BYTES_MAX = 2048;
const HEADER_BYTES_MAX = 8192;
const DEFAULT_TYPE = 'binary/octet-stream';

/** By lower-case name: the name as it is sent back. */
const standard: Readonly<Record<string, string>> = {
  'content-type': 'Content-Type',
  'cache-control': 'Cache-Control',
  'content-disposition': 'Content-Disposition',
  'content-encoding': 'Content-Encoding',
  'content-language': 'Content-Language',
  expires: 'Expires',
  'x-amz-website-redirect-location': 'x-amz-website-redirect-location',
};

/** Headers of a write that ask for what is not built: the client must not believe that it got it. */
const unsupported = [
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-copy-source-server-side-encryption-customer-algorithm',
  'x-amz-write-offset-bytes',
] as const;

export function refuseUnsupported(headers: IncomingHttpHeaders): void {
  for (const name of unsupported) if (headers[name] !== undefined) throw notImplemented(name);
  const storageClass = headers['x-amz-storage-class'];
  if (storageClass !== undefined && storageClass !== 'STANDARD') throw new S3Error('InvalidStorageClass');
}

export function readStoredHeaders(headers: IncomingHttpHeaders): StoredHeaders {
  const kept: Record<string, string> = { 'content-type': DEFAULT_TYPE };
  const user: Record<string, string> = {};
  let userBytes = 0;
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    const text = Array.isArray(value) ? value.join(',') : value;
    if (name.startsWith(USER_PREFIX)) {
      user[name.slice(USER_PREFIX.length)] = text;
      userBytes += name.length - USER_PREFIX.length + text.length;
    } else if (Object.hasOwn(standard, name) && text !== '') {
      if (text.length > HEADER_BYTES_MAX) throw invalidArgument('A header is too long', name, text);
      kept[name] = text;
    }
  }
  if (userBytes > USER_BYTES_MAX) {
    const fields = { Size: String(userBytes), MaxSizeAllowed: String(USER_BYTES_MAX) };
    throw new S3Error('MetadataTooLarge', undefined, { fields });
  }
  dropChunkedCoding(kept);
  return { headers: kept, user };
}

/** `aws-chunked` is how the body travelled, not how the object is encoded. */
function dropChunkedCoding(kept: Record<string, string>): void {
  const codings = kept['content-encoding'];
  if (codings === undefined) return;
  const left = codings.split(',').filter((coding) => coding.trim().toLowerCase() !== 'aws-chunked');
  if (left.length === 0) delete kept['content-encoding'];
  else kept['content-encoding'] = left.join(',').trim();
}

/** What every answer about an object bears; `overrides` replace standard headers by their lower-case names. */
export function writeStoredHeaders(
  into: FlatHeaders,
  metadata: ObjectMetadata,
  modifiedMs: number,
  overrides?: Readonly<Record<string, string>>,
): void {
  into.push('ETag', `"${metadata.etag}"`, 'Last-Modified', httpTime(modifiedMs), 'Accept-Ranges', 'bytes');
  const headers = overrides === undefined ? metadata.headers : { ...metadata.headers, ...overrides };
  for (const name in headers) into.push(standard[name] ?? name, headers[name] as string);
  if (metadata.tags !== undefined) into.push('x-amz-tagging-count', metadata.tags.length);
  for (const name in metadata.user) into.push(USER_PREFIX + name, metadata.user[name] as string);
}
