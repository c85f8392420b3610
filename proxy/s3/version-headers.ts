/** What an answer says of the version that it is about. */
import type { BucketPlace } from '#proxy/objects/bucket-access.ts';
import type { WriteOutcome } from '#proxy/objects/object-store.ts';
import { NULL_VERSION, shownVersion, type VersionStamp } from '#proxy/objects/version-id.ts';
import type { FlatHeaders } from './reply.ts';

/** Nothing in a bucket that never had versioning. */
export function pushVersion(into: FlatHeaders, bucket: BucketPlace, version: VersionStamp): void {
  if (bucket.versioning !== undefined) into.push('x-amz-version-id', shownVersion(version));
}

/** The null version, which every write replaces, is not told of: clients take an id for one that they can come back to. */
export function pushWritten(
  into: FlatHeaders,
  written: Pick<WriteOutcome & { outcome: 'done' }, 'versionId'>,
): void {
  if (written.versionId !== undefined && written.versionId !== NULL_VERSION)
    into.push('x-amz-version-id', written.versionId);
}
