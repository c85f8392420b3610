/** Stores a static large object's manifest in the place of an object. */
import { defaultLock } from '#proxy/buckets/bucket-lock.ts';
import { hash } from 'node:crypto';
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import { largeObjectEtag } from '#proxy/large-objects/stored-manifest.ts';
import { bytesSource } from '#proxy/objects/body-source.ts';
import { copyBody } from '#proxy/objects/copy-body.ts';
import { EncodedObject } from '#proxy/objects/object-record.ts';
import { objectKey, type WriteOutcome, writeObject } from '#proxy/objects/object-store.ts';
import type { WriteCondition } from '#proxy/objects/write-condition.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import type { GivenMetadata } from '../objects/put-headers.ts';
import type { CheckedSegments } from './check-segments.ts';

export interface ManifestTarget {
  readonly lease: BucketLease;
  readonly object: string;
  readonly given: GivenMetadata;
  readonly condition: WriteCondition | undefined;
  /** What the client says that the large object's ETag is. */
  readonly etag: string | undefined;
}

/** Throws 422 when the client expects another ETag. The segments must be without problems. */
export async function storeManifest(
  context: SwiftContext,
  { segments, sizeBytes }: CheckedSegments,
  target: ManifestTarget,
): Promise<{ written: WriteOutcome; etag: string }> {
  const { lease, object, given } = target;
  const { cluster } = context;
  const etag = largeObjectEtag(segments);
  if (target.etag !== undefined && target.etag !== etag) throw new SwiftError(422);
  const json = Buffer.from(JSON.stringify(segments));
  const whole = { start: 0, end: json.length };
  const { body, stripes } = await copyBody(
    cluster,
    objectKey(lease.bucket, object),
    bytesSource(json),
    whole,
  );
  const { headers, user } = given;
  const { objectManifest: _, ...properties } = given.swift;
  const swift = { ...properties, largeObject: { etag, sizeBytes } };
  const lock = defaultLock(lease.bucket, context.clock.nowMs());
  const metadata = { etag: hash('md5', json), sizeBytes: json.length, headers, user, swift, ...lock };
  const written = await writeObject(
    cluster,
    lease,
    object,
    new EncodedObject(metadata, body),
    target.condition,
  );
  if (written.outcome !== 'done') cluster.bodies.release(stripes);
  return { written, etag };
}
