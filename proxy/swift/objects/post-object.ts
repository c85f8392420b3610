/** POST of an object: its metadata is replaced, its body stays (Object Storage API reference, "Update object metadata"). */
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import { changeVersion } from '#proxy/objects/change-version.ts';
import { AnnouncedExpiry } from '#proxy/objects/expiry-entry.ts';
import type { ObjectMetadata } from '#proxy/objects/object-record.ts';
import { rewriteObject } from '#proxy/objects/object-store.ts';
import { isExpired } from '#proxy/objects/swift-properties.ts';
import { writableContainer } from '../container-of.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import type { Operation } from '../request.ts';
import { checkObjectName } from './object-name.ts';
import { givenContentType, readGivenMetadata } from './put-headers.ts';

export const postObject: Operation = async (request, context) => {
  checkObjectName(request.object);
  const { lease } = await writableContainer(request, context);
  const contentType = givenContentType(request);
  const given = readGivenMetadata(request, context, contentType ?? '');
  const nowMs = context.clock.nowMs();
  const change = (metadata: ObjectMetadata): ObjectMetadata => {
    const { swift: before, ...kept } = metadata;
    if (isExpired(before, nowMs)) throw new SwiftError(404);
    const largeObject = before?.largeObject;
    const swift = { ...given.swift, ...(largeObject === undefined ? undefined : { largeObject }) };
    return {
      ...kept,
      headers: { ...given.headers, 'content-type': contentType ?? metadata.headers['content-type'] ?? '' },
      user: given.user,
      ...(Object.keys(swift).length === 0 ? undefined : { swift }),
    };
  };
  const isThere =
    lease.bucket.versioning === undefined
      ? await rewrite(context, lease, request.object, change)
      : await changeInPlace(context, lease, request.object, change);
  if (!isThere) throw new SwiftError(404);
  request.reply.accepted(202);
};

type Change = (metadata: ObjectMetadata) => ObjectMetadata;

async function rewrite(
  { cluster }: SwiftContext,
  lease: BucketLease,
  name: string,
  change: Change,
): Promise<boolean> {
  const written = await rewriteObject(cluster, lease, name, undefined, ({ metadata }) => change(metadata));
  return written !== undefined;
}

/** Where a write would make another version, the current one is changed as it stands, and keeps its time. */
async function changeInPlace(
  { cluster }: SwiftContext,
  lease: BucketLease,
  name: string,
  change: Change,
): Promise<boolean> {
  const expiry = new AnnouncedExpiry(cluster, lease, name);
  const found = await expiry.before(() =>
    changeVersion(cluster, lease, name, undefined, (metadata, ballot) => {
      const after = change(metadata);
      expiry.assertAnnounced(after.swift?.deleteAtSeconds, ballot);
      return after;
    }),
  );
  return found?.type === 'object';
}
