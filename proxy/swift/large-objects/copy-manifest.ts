/** Copies a static large object's manifest: its segments stay where they are, and must be there for the copy's account too. */
import type { BucketLease } from '#proxy/buckets/bucket-directory.ts';
import { readManifest } from '#proxy/large-objects/representation.ts';
import { rawManifest } from '#proxy/large-objects/stored-manifest.ts';
import type { ObjectRecord } from '#proxy/objects/object-record.ts';
import { formatReport } from '../bulk/bulk-report.ts';
import { reportTypeOf } from '../bulk/report-type.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import type { CopyEnd } from '../objects/copy-ends.ts';
import type { GivenMetadata } from '../objects/put-headers.ts';
import type { WrittenObject } from '../objects/written-object.ts';
import type { SwiftRequest } from '../request.ts';
import { checkSegments } from './check-segments.ts';
import { parseManifest } from './manifest-input.ts';
import { storeManifest } from './store-manifest.ts';

export interface ManifestCopy {
  readonly record: ObjectRecord;
  readonly to: CopyEnd;
  readonly lease: BucketLease;
  readonly given: GivenMetadata;
}

/** Throws 400 with the list of what is wrong with the segments. */
export async function copyManifest(
  request: SwiftRequest,
  context: SwiftContext,
  { record, to, lease, given }: ManifestCopy,
): Promise<WrittenObject> {
  const raw = rawManifest(await readManifest(context.cluster, record));
  const wanted = parseManifest(raw.toString('utf8'), `/${to.container}/${to.object}`);
  const { version } = request.resource;
  const { account, accountName, container, object } = to;
  const there = request.elsewhere('PUT', account, { version, account: accountName, container, object });
  const checked = await checkSegments(there, context, wanted);
  if (checked.problems.length > 0) throw refusedSegments(request, checked.problems);
  const target = { lease, object, given, condition: undefined, etag: undefined };
  const { written, etag } = await storeManifest(context, checked, target);
  return { written, etag: `"${etag}"` };
}

export function refusedSegments(
  request: SwiftRequest,
  problems: Parameters<typeof formatReport>[0]['errors'],
): SwiftError {
  const type = reportTypeOf(request.header('accept')) ?? 'text/plain';
  return new SwiftError(400, formatReport({ fields: {}, errors: problems }, type, 'upload'), {
    contentType: type,
  });
}
