/** The manifest of a static large object as it is stored, which is what `multipart-manifest=get` shows: JSON. */
import { createHash } from 'node:crypto';
import { HoldfastError } from '#common/errors.ts';
import { asFields, integerField, stringField } from '#proxy/objects/json-section.ts';

export interface ObjectSegment {
  /** `/container/object`, not encoded. */
  readonly name: string;
  /** Of the whole object that it is taken from. */
  readonly bytes: number;
  /** That object's ETag, without quotes. */
  readonly hash: string;
  readonly content_type: string;
  readonly last_modified: string;
  /** `first-last`, included; the whole object when left out. */
  readonly range?: string;
  /** The object is a static large object itself. */
  readonly sub_slo?: true;
}

export interface DataSegment {
  /** Base64. */
  readonly data: string;
}

export type StoredSegment = ObjectSegment | DataSegment;

const RANGE = /^(\d{1,15})-(\d{1,15})$/;

export function segmentRange(segment: ObjectSegment): { start: number; end: number } {
  const found = segment.range === undefined ? null : RANGE.exec(segment.range);
  if (found === null) return { start: 0, end: segment.bytes };
  return { start: Number(found[1]), end: Number(found[2]) + 1 };
}

export function segmentLength(segment: StoredSegment): number {
  if ('data' in segment) return Buffer.byteLength(segment.data, 'base64');
  const { start, end } = segmentRange(segment);
  return end - start;
}

/** The ETag of the large object: the MD5 of its segments'. */
export function largeObjectEtag(segments: readonly StoredSegment[]): string {
  const md5 = createHash('md5');
  for (const segment of segments) {
    if ('data' in segment) {
      md5.update(createHash('md5').update(Buffer.from(segment.data, 'base64')).digest('hex'));
    } else {
      md5.update(segment.range === undefined ? segment.hash : `${segment.hash}:${segment.range};`);
    }
  }
  return md5.digest('hex');
}

export function parseStoredManifest(bytes: Buffer): StoredSegment[] {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new HoldfastError('format-invalid', 'a manifest is not JSON', { cause });
  }
  if (!Array.isArray(value)) throw new HoldfastError('format-invalid', 'a manifest is no list');
  return value.map((entry: unknown) => {
    const fields = asFields(entry);
    if (fields['data'] !== undefined) return { data: stringField(fields, 'data') };
    const range = fields['range'] === undefined ? undefined : stringField(fields, 'range');
    return {
      name: stringField(fields, 'name'),
      bytes: integerField(fields, 'bytes'),
      hash: stringField(fields, 'hash'),
      content_type: stringField(fields, 'content_type'),
      last_modified: stringField(fields, 'last_modified'),
      ...(range === undefined ? {} : { range }),
      ...(fields['sub_slo'] === true ? { sub_slo: true as const } : {}),
    };
  });
}

/** `format=raw`: the form in which a client puts a manifest. */
export function rawManifest(segments: readonly StoredSegment[]): Buffer {
  const raw = segments.map((segment) => {
    if ('data' in segment) return { data: segment.data };
    const { name, bytes, hash, range } = segment;
    return { path: name, etag: hash, size_bytes: bytes, ...(range === undefined ? {} : { range }) };
  });
  return Buffer.from(JSON.stringify(raw));
}
