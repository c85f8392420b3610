/** The headers that are stored with an object and come back with it, and Swift's limits on them. */
import type { IncomingHttpHeaders } from 'node:http';
import { httpTime } from '#proxy/http/http-time.ts';
import type { ObjectMetadata, ObjectRecord } from '#proxy/objects/object-record.ts';
import { badRequest } from '../errors.ts';
import { swiftLimits } from '../limits.ts';
import { titleCase } from '../metadata.ts';
import type { FlatHeaders } from '../reply.ts';
import { timestamp } from '../timestamps.ts';

export type StoredHeaders = Pick<ObjectMetadata, 'headers' | 'user'>;

const USER_PREFIX = 'x-object-meta-';

/** By lower-case name: the name as it is sent back. */
const standard: Readonly<Record<string, string>> = {
  'cache-control': 'Cache-Control',
  'content-disposition': 'Content-Disposition',
  'content-encoding': 'Content-Encoding',
  'content-language': 'Content-Language',
  expires: 'Expires',
  'x-robots-tag': 'X-Robots-Tag',
};

/** What a PUT or POST gives: user metadata and the standard headers, but for the content type. */
export function readStoredHeaders(headers: IncomingHttpHeaders): StoredHeaders {
  const kept: Record<string, string> = {};
  const user: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    const text = Array.isArray(value) ? value.join(',') : value;
    if (name.startsWith(USER_PREFIX)) {
      const key = name.slice(USER_PREFIX.length);
      checkItem(key, text);
      // An empty value is how metadata is taken away.
      if (text !== '') user[key] = text;
    } else if (Object.hasOwn(standard, name) && text !== '') {
      if (text.length > swiftLimits.max_header_size) throw badRequest(`Header value too long: ${name}`);
      kept[name] = text;
    }
  }
  checkMetadata(user);
  return { headers: kept, user };
}

/** Names and values are header bytes, one a character. */
function checkItem(key: string, text: string): void {
  const { max_meta_name_length: nameLengthMax, max_meta_value_length: valueLengthMax } = swiftLimits;
  if (key === '') throw badRequest('Metadata name cannot be empty');
  if (text.length > swiftLimits.max_header_size)
    throw badRequest(`Header value too long: ${USER_PREFIX}${key.slice(0, 128)}`);
  if (key.length > nameLengthMax) {
    throw badRequest(`Metadata name too long: X-Object-Meta-${key.slice(0, 256)}`);
  }
  if (text.length > valueLengthMax)
    throw badRequest(`Metadata value longer than ${valueLengthMax}: X-Object-Meta-${key}`);
}

/** The limits on all of it together. Throws 400. */
export function checkMetadata(user: Readonly<Record<string, string>>): void {
  const { max_meta_count: countMax, max_meta_overall_size: overallSizeMax } = swiftLimits;
  const names = Object.keys(user);
  if (names.length > countMax) throw badRequest(`Too many metadata items; max ${countMax}`);
  let size = 0;
  for (const name of names) size += name.length + (user[name] ?? '').length;
  if (size > overallSizeMax) throw badRequest(`Total metadata too large; max ${overallSizeMax}`);
}

/** What answers about an object bear beside its ETag and its length. */
export function writeStoredHeaders(into: FlatHeaders, { metadata, modifiedMs }: ObjectRecord): void {
  into.push(
    'Accept-Ranges',
    'bytes',
    'Last-Modified',
    httpTime(modifiedMs),
    'X-Timestamp',
    timestamp(modifiedMs),
  );
  const { headers, user, swift } = metadata;
  for (const name in headers) {
    if (name !== 'content-type' && Object.hasOwn(standard, name))
      into.push(standard[name] ?? name, headers[name] ?? '');
  }
  for (const name in user) into.push(userHeader(name), user[name] ?? '');
  if (swift?.deleteAtSeconds !== undefined) into.push('X-Delete-At', swift.deleteAtSeconds);
  if (swift?.objectManifest !== undefined) into.push('X-Object-Manifest', swift.objectManifest);
  if (swift?.largeObject !== undefined) into.push('X-Static-Large-Object', 'True');
}

export function userHeader(name: string): string {
  return `X-Object-Meta-${titleCase(name)}`;
}

/** Percent-encoded but for what stands for itself in a path. */
export function encodePath(path: string): string {
  return encodeURIComponent(path)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}
