/** The object that a request names, and what it is to its reader. */
import { type Representation, representationOf, SegmentError } from '#proxy/large-objects/representation.ts';
import { parseStoredManifest, rawManifest } from '#proxy/large-objects/stored-manifest.ts';
import { bytesSource, recordSource } from '#proxy/objects/body-source.ts';
import type { BucketPlace } from '#proxy/objects/bucket-access.ts';
import type { ObjectRecord } from '#proxy/objects/object-record.ts';
import { readObject } from '#proxy/objects/object-store.ts';
import { isExpired } from '#proxy/objects/swift-properties.ts';
import { createHash } from 'node:crypto';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import type { SwiftRequest } from '../request.ts';
import { segmentReader } from './segment-reader.ts';

/** Throws 404, also for an object whose time is over. */
export async function findObject(
  context: SwiftContext,
  place: BucketPlace,
  name: string,
): Promise<ObjectRecord> {
  const record = await readObject(context.cluster, place, name);
  if (record === undefined || isExpired(record.metadata.swift, context.clock.nowMs()))
    throw new SwiftError(404);
  return record;
}

export interface ShownObject extends Omit<Representation, 'kind'> {
  readonly kind: Representation['kind'] | 'manifest';
  readonly contentType: string;
}

/**
 * @param request `multipart-manifest=get` shows a large object's manifest in its place.
 * Throws what the reader is told when the segments cannot be listed.
 */
export async function showObject(
  request: SwiftRequest,
  context: SwiftContext,
  record: ObjectRecord,
): Promise<ShownObject> {
  const { metadata } = record;
  const contentType = metadata.headers['content-type'] ?? 'application/octet-stream';
  if (request.query.get('multipart-manifest') !== 'get') {
    const representation = await conflicts(representationOf(segmentReader(request, context), record));
    return { ...representation, contentType };
  }
  const source = recordSource(context.cluster.bodies, record);
  const { etag } = metadata;
  if (metadata.swift?.largeObject === undefined) return { kind: 'plain', etag, source, contentType };
  if (request.query.get('format') !== 'raw') {
    return { kind: 'manifest', etag, source, contentType: 'application/json; charset=utf-8' };
  }
  const pieces: Buffer[] = [];
  await source.read(0, source.sizeBytes, async (chunk) => void pieces.push(Buffer.from(chunk)));
  const raw = rawManifest(parseStoredManifest(Buffer.concat(pieces)));
  const rawEtag = createHash('md5').update(raw).digest('hex');
  return { kind: 'manifest', etag: rawEtag, source: bytesSource(raw), contentType };
}

/** A segment that is not what the manifest says is a conflict, as Swift has it. */
export async function conflicts<Result>(reading: Promise<Result>): Promise<Result> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof SegmentError) throw new SwiftError(409, undefined, { cause: error });
    throw error;
  }
}
