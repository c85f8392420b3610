/**
 * Records of versions that are not current (docs/formats/object-record.md, "Older versions"). The object's own record says
 * which of them count: what is here without being named there is left over, and of no effect.
 */
import type { Cluster, StoredRecord } from '#cluster/cluster.ts';
import { type RecordKey, recordKey, recordKinds, recordName, recordSpace } from '#common/codec/record-key.ts';
import type { BucketPlace } from './bucket-access.ts';
import { indexShard } from './index-shard.ts';
import { headOf, withOlder } from './object-record.ts';
import type { VersionId } from './version-id.ts';

export function versionKey(bucket: BucketPlace, name: string, id: VersionId): RecordKey {
  const shard = indexShard(name, bucket.shards);
  return recordKey(bucket.bucketId, recordKinds.version, shard, `${name}\u0000${id}`);
}

/** @param key the object's; its versions are in the same shard. */
export function versionKeyOf(key: RecordKey, id: VersionId): RecordKey {
  const shard = key.readUInt16BE(17);
  return recordKey(recordSpace(key), recordKinds.version, shard, `${recordName(key)}\u0000${id}`);
}

/** Keeps a copy of the current version, for the write that is to take its place. Repeating it does nothing. */
export async function saveVersion(
  cluster: Cluster,
  bucket: BucketPlace,
  name: string,
  current: StoredRecord,
): Promise<void> {
  const { id, revision } = headOf(current);
  await cluster.records.mutate(versionKey(bucket, name, id), (saved) => {
    // A slow writer's copy must not undo a change that was made to the version since.
    if (saved !== undefined && headOf(saved).revision >= revision)
      return { action: 'keep', result: undefined };
    const { summary, content } = withOlder(current, []);
    return { action: 'write', summary, content, result: undefined };
  });
}

export function readVersionRecord(
  cluster: Cluster,
  bucket: BucketPlace,
  name: string,
  id: VersionId,
): Promise<StoredRecord | undefined> {
  return cluster.records.read(versionKey(bucket, name, id));
}

/** Removes a version's record, once the object's no longer names it; what it held, or undefined. */
export async function removeVersionRecord(
  cluster: Cluster,
  bucket: BucketPlace,
  name: string,
  id: VersionId,
): Promise<StoredRecord | undefined> {
  const key = versionKey(bucket, name, id);
  if ((await cluster.records.read(key)) === undefined) return undefined;
  return cluster.records.mutate<StoredRecord | undefined>(key, (saved) =>
    saved === undefined ? { action: 'keep', result: undefined } : { action: 'remove', result: saved },
  );
}
