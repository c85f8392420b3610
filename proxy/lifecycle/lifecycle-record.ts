/** Which buckets have lifecycle rules: docs/formats/lifecycle-record.md, "Which buckets have rules". */
import type { Cluster } from '#cluster/cluster.ts';
import { ballotTimeMs } from '#common/ballot.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { isSpaceId, spaceId } from '#common/ids.ts';
import type { BucketAddress } from '#proxy/objects/bucket-access.ts';
import { indexShard } from '#proxy/objects/index-shard.ts';
import { encodeVersionedJson, integerField, parseVersionedJson } from '#proxy/objects/json-section.ts';

export const LIFECYCLE_SPACE = spaceId('0'.repeat(32));
export const LIFECYCLE_SHARDS = 16;
const ACCOUNT_DIGITS = 32;
const NONE = Buffer.alloc(0);

export function lifecycleKey({ account, name }: BucketAddress): RecordKey {
  const row = `${account}/${name}`;
  return recordKey(LIFECYCLE_SPACE, recordKinds.lifecycleBucket, indexShard(row, LIFECYCLE_SHARDS), row);
}

/** Throws `format-invalid`. */
export function lifecycleBucket(row: string): BucketAddress {
  const account = row.slice(0, ACCOUNT_DIGITS);
  if (!isSpaceId(account) || row[ACCOUNT_DIGITS] !== '/')
    throw new HoldfastError('format-invalid', 'the name of a lifecycle record is malformed');
  return { account: spaceId(account), name: row.slice(ACCOUNT_DIGITS + 1) };
}

/** Milliseconds since 1970. */
export function notedMsOf(summary: Buffer): number {
  return integerField(parseVersionedJson(summary), 'notedMs');
}

/** To be called before a bucket is given rules. */
export async function noteLifecycle(cluster: Cluster, address: BucketAddress): Promise<void> {
  await cluster.records.mutate(lifecycleKey(address), (_, ballot) => ({
    action: 'write',
    summary: encodeVersionedJson({ notedMs: ballotTimeMs(ballot) }),
    content: NONE,
    result: undefined,
  }));
}
