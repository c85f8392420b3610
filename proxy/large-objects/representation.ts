/**
 * What an object is to a reader: itself, or the large object that its segments make together. Static large objects list
 * their segments, dynamic ones name where they are (OpenStack Object Storage API, "Large objects").
 */
import { createHash } from 'node:crypto';
import type { Cluster } from '#cluster/cluster.ts';
import { HoldfastError } from '#common/errors.ts';
import {
  type BodySource,
  bytesSource,
  JoinedSource,
  recordSource,
  type SourcePart,
} from '#proxy/objects/body-source.ts';
import type { BucketPlace } from '#proxy/objects/bucket-access.ts';
import type { ObjectRecord } from '#proxy/objects/object-record.ts';
import { readObject } from '#proxy/objects/object-store.ts';
import { isExpired } from '#proxy/objects/swift-properties.ts';
import { listSegments } from './list-segments.ts';
import {
  type ObjectSegment,
  parseStoredManifest,
  segmentLength,
  segmentRange,
  type StoredSegment,
} from './stored-manifest.ts';

/** A large object of large objects of large objects: further than this nobody means it. */
const DEPTH_MAX = 10;

export interface Representation {
  /** Without quotes. */
  readonly etag: string;
  readonly source: BodySource;
  readonly kind: 'plain' | 'static' | 'dynamic';
}

/** A segment is missing, may not be read, or is not what the manifest says. */
export class SegmentError extends HoldfastError {
  constructor(detail: string) {
    super('request-refused', detail);
    this.name = 'SegmentError';
  }
}

export interface SegmentReader {
  readonly cluster: Cluster;
  readonly nowMs: number;
  /** The container, in the account of the manifest, when the reader may read (or list) it. Throws what the reader is told. */
  container(name: string, purpose: 'read' | 'list'): Promise<BucketPlace | undefined>;
}

/** Whether an object is made of segments, and has no body of its own to show. */
export function isLarge({ metadata }: ObjectRecord): boolean {
  return metadata.swift?.largeObject !== undefined || metadata.swift?.objectManifest !== undefined;
}

export async function representationOf(
  reader: SegmentReader,
  record: ObjectRecord,
  depth = 0,
): Promise<Representation> {
  const { swift } = record.metadata;
  if (depth > DEPTH_MAX) throw new SegmentError('large objects within each other, too deep');
  if (swift?.largeObject !== undefined) {
    const segments = await readManifest(reader.cluster, record);
    const parts = segments.map((segment) => staticPart(reader, segment, depth));
    return { kind: 'static', etag: swift.largeObject.etag, source: new JoinedSource(parts) };
  }
  if (swift?.objectManifest !== undefined) return dynamicObject(reader, swift.objectManifest, depth);
  const source = recordSource(reader.cluster.bodies, record);
  return { kind: 'plain', etag: record.metadata.etag, source };
}

/** The segments of a static large object, as its record holds them. */
export async function readManifest(cluster: Cluster, record: ObjectRecord): Promise<StoredSegment[]> {
  const source = recordSource(cluster.bodies, record);
  const pieces: Buffer[] = [];
  await source.read(0, source.sizeBytes, async (chunk) => void pieces.push(Buffer.from(chunk)));
  return parseStoredManifest(Buffer.concat(pieces));
}

function staticPart(reader: SegmentReader, segment: StoredSegment, depth: number): SourcePart {
  const lengthBytes = segmentLength(segment);
  if ('data' in segment) {
    return { lengthBytes, offset: 0, open: async () => bytesSource(Buffer.from(segment.data, 'base64')) };
  }
  const { start } = segmentRange(segment);
  return { lengthBytes, offset: start, open: () => openSegment(reader, segment, depth) };
}

type ExpectedSegment = Pick<ObjectSegment, 'name' | 'bytes' | 'hash'>;

async function openSegment(
  reader: SegmentReader,
  segment: ExpectedSegment,
  depth: number,
): Promise<BodySource> {
  const [, container = '', ...rest] = segment.name.split('/');
  const place = await reader.container(container, 'read').catch((cause: unknown) => {
    if (cause instanceof HoldfastError && cause.code !== 'request-refused') throw cause;
    throw new SegmentError(`${segment.name} may not be read`);
  });
  const record = place === undefined ? undefined : await readObject(reader.cluster, place, rest.join('/'));
  if (record === undefined || isExpired(record.metadata.swift, reader.nowMs))
    throw new SegmentError(`${segment.name} is not there`);
  const { etag, source } = await representationOf(reader, record, depth + 1);
  if (etag !== segment.hash || source.sizeBytes !== segment.bytes)
    throw new SegmentError(`${segment.name} is not what it was`);
  return source;
}

async function dynamicObject(
  reader: SegmentReader,
  objectManifest: string,
  depth: number,
): Promise<Representation> {
  const { container, prefix } = parseObjectManifest(objectManifest);
  const place = await reader.container(container, 'list');
  const segments = place === undefined ? [] : await listSegments(reader.cluster, place, prefix);
  const md5 = createHash('md5');
  const parts = segments.map(({ name, sizeBytes, etag }): SourcePart => {
    md5.update(etag);
    const segment = { name: `/${container}/${name}`, bytes: sizeBytes, hash: etag };
    return { lengthBytes: sizeBytes, offset: 0, open: () => openSegment(reader, segment, depth) };
  });
  return { kind: 'dynamic', etag: md5.digest('hex'), source: new JoinedSource(parts) };
}

/** @param header X-Object-Manifest as it came: UTF-8 shown as Latin-1, and percent-encoded. */
export function parseObjectManifest(header: string): { container: string; prefix: string } {
  const bytes = Buffer.from(
    header.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    ),
    'latin1',
  );
  const path = bytes.toString('utf8');
  const slash = path.indexOf('/');
  return slash < 0
    ? { container: path, prefix: '' }
    : { container: path.slice(0, slash), prefix: path.slice(slash + 1) };
}
