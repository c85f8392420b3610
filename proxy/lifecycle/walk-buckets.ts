/** Goes over the buckets that have lifecycle rules: docs/formats/lifecycle-record.md. */
import type { Cluster, ListingEntry, ListingStart } from '#cluster/cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import type { Clock } from '#common/io/clock.ts';
import type { BucketDirectory } from '#proxy/buckets/bucket-directory.ts';
import type { Pace } from '#proxy/sweep/pace.ts';
import {
  applyToObjects,
  applyToUploads,
  type LifecycleFigures,
  type RuledBucket,
  RulesChanged,
  rulesDocument,
} from './apply-rules.ts';
import {
  LIFECYCLE_SHARDS,
  LIFECYCLE_SPACE,
  lifecycleBucket,
  lifecycleKey,
  notedMsOf,
} from './lifecycle-record.ts';
import { readLifecycle } from './lifecycle-rule.ts';

const PAGE_ROWS = 100;
/** How old a note of a bucket without rules must be: the rules that it announces may be on their way. */
const NOTE_SETTLED_MS = 3_600_000;

export interface LifecycleContext {
  readonly cluster: Cluster;
  readonly directory: BucketDirectory;
  readonly clock: Clock;
  readonly dayMs: number;
}

export function nothingApplied(): LifecycleFigures {
  return {
    buckets: 0,
    rows: 0,
    expiredObjects: 0,
    removedVersions: 0,
    removedMarkers: 0,
    abortedUploads: 0,
    lockedVersions: 0,
    failures: 0,
  };
}

export async function walkBuckets(
  context: LifecycleContext,
  figures: LifecycleFigures,
  pace: Pace,
): Promise<void> {
  let start: ListingStart | undefined;
  do {
    const page = await context.cluster.listings.list({
      space: LIFECYCLE_SPACE,
      kind: recordKinds.lifecycleBucket,
      shards: LIFECYCLE_SHARDS,
      prefix: '',
      delimiter: '',
      limit: PAGE_ROWS,
      ...(start === undefined ? {} : { start }),
    });
    start = undefined;
    for (const row of page.entries) {
      if (row.type !== 'row' || pace.isStopped) continue;
      if (page.more) start = { after: row.name };
      try {
        await walkBucket(context, row, figures, pace);
      } catch {
        // Being deleted, or out of reach: the next walk comes by again.
        figures.failures += 1;
      }
    }
  } while (start !== undefined && !pace.isStopped);
}

async function walkBucket(
  { cluster, directory, clock, dayMs }: LifecycleContext,
  row: Extract<ListingEntry, { type: 'row' }>,
  figures: LifecycleFigures,
  pace: Pace,
): Promise<void> {
  const address = lifecycleBucket(row.name);
  const lease = await directory.leaseOwn(address.account, address.name);
  const document = lease === undefined ? undefined : rulesDocument(lease);
  if (lease === undefined || document === undefined) {
    if (clock.nowMs() - notedMsOf(row.summary) < NOTE_SETTLED_MS) return;
    await cluster.records.mutate(lifecycleKey(address), (current) => ({
      action: current?.summary.equals(row.summary) === true ? 'remove' : 'keep',
      result: undefined,
    }));
    return;
  }
  figures.buckets += 1;
  const bucket = { cluster, clock, lease, dayMs, figures };
  await pagesOf(bucket, pace, applyToObjects);
  await pagesOf(bucket, pace, applyToUploads);
}

/** Page after page by the rules that the bucket has then; ends with the last page, or with the last rule. */
async function pagesOf<Place>(
  parts: Omit<RuledBucket, 'rules' | 'document'>,
  pace: Pace,
  apply: (bucket: RuledBucket, from: Place | undefined) => Promise<Place | undefined>,
): Promise<void> {
  let from: Place | undefined;
  for (let isOver = false; !isOver && !pace.isStopped; ) {
    const document = rulesDocument(parts.lease);
    if (document === undefined) return;
    const bucket = { ...parts, rules: readLifecycle(document), document };
    const page = from;
    try {
      from = await pace.throttled(() => apply(bucket, page));
      isOver = from === undefined;
    } catch (error) {
      if (!(error instanceof RulesChanged)) throw error;
    }
  }
}
