/**
 * Changes what is known of a version, in place: its id, and so its time, stay; its revision rises
 * (docs/formats/object-record.md, "Older versions").
 */
import type { Cluster, StoredRecord } from '#cluster/cluster.ts';
import type { Ballot } from '#common/ballot.ts';
import { HoldfastError } from '#common/errors.ts';
import { assertLease, underLease, type WriteLease } from './bucket-access.ts';
import {
  decodeCurrent,
  decodeObject,
  EncodedObject,
  headOf,
  type ObjectMetadata,
  type ObjectRecord,
  olderOf,
  withOlder,
} from './object-record.ts';
import { objectKey } from './object-store.ts';
import { type FoundVersion, readVersion } from './object-versions.ts';
import { selects, type VersionId, type VersionSelector } from './version-id.ts';
import { versionKey } from './version-store.ts';

const ROUNDS_MAX = 100;

/** @param ballot under which what it gives is written. */
export type MetadataChange = (metadata: ObjectMetadata, ballot: Ballot) => ObjectMetadata;

/**
 * @param selector the current version when left out. Undefined when there is no such version; a delete marker is left as it
 * is. What `change` throws passes through; it may be called more than once.
 */
export async function changeVersion(
  cluster: Cluster,
  lease: WriteLease,
  name: string,
  selector: VersionSelector | undefined,
  change: MetadataChange,
): Promise<FoundVersion | undefined> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const current = await changeCurrent(cluster, lease, name, selector, change);
    if (current !== undefined) return settled(lease, current);
    const found = await readVersion(cluster, lease.bucket, name, selector);
    if (found?.type !== 'object') return found;
    const older = await changeOlder(cluster, lease, name, found.record.version.id, change);
    if (older !== undefined) return settled(lease, older);
  }
  throw new HoldfastError('overloaded', 'the object changes too fast to be changed');
}

async function settled(lease: WriteLease, record: ObjectRecord): Promise<FoundVersion> {
  await lease.confirm();
  return { type: 'object', record };
}

function changed(record: ObjectRecord, change: MetadataChange, ballot: Ballot): ObjectRecord {
  const version = { ...record.version, revision: record.version.revision + 1 };
  return { ...record, version, metadata: change(record.metadata, ballot) };
}

/** Undefined when the current version is another, or a delete marker. */
function changeCurrent(
  cluster: Cluster,
  lease: WriteLease,
  name: string,
  selector: VersionSelector | undefined,
  change: MetadataChange,
): Promise<ObjectRecord | undefined> {
  return underLease(lease, () =>
    cluster.records.mutate<ObjectRecord | undefined>(objectKey(lease.bucket, name), (current, ballot) => {
      assertLease(lease);
      const found = current === undefined ? undefined : decodeCurrent(current);
      if (current === undefined || found === undefined) return { action: 'keep', result: undefined };
      if (selector !== undefined && !selects(selector, found.version))
        return { action: 'keep', result: undefined };
      const record = changed(found, change, ballot);
      const encoded = new EncodedObject(record.metadata, record.body).at(record.version, olderOf(current));
      return { action: 'write', ...encoded, result: record };
    }),
  );
}

/** First the version's own record, then its revision in the object's. Undefined when it moved meanwhile. */
async function changeOlder(
  cluster: Cluster,
  lease: WriteLease,
  name: string,
  id: VersionId,
  change: MetadataChange,
): Promise<ObjectRecord | undefined> {
  const record = await underLease(lease, () =>
    cluster.records.mutate<ObjectRecord | undefined>(versionKey(lease.bucket, name, id), (saved, ballot) => {
      assertLease(lease);
      if (saved === undefined) return { action: 'keep', result: undefined };
      const after = changed(decodeObject(saved), change, ballot);
      const { summary, content } = new EncodedObject(after.metadata, after.body).at(after.version);
      return { action: 'write', summary, content, result: after };
    }),
  );
  if (record === undefined) return undefined;
  const named = await underLease(lease, () =>
    cluster.records.mutate(objectKey(lease.bucket, name), (current) => {
      assertLease(lease);
      return raiseRevision(current, record);
    }),
  );
  return named ? record : undefined;
}

function raiseRevision(current: StoredRecord | undefined, { version, metadata }: ObjectRecord) {
  const { id, revision } = version;
  // A version that has become current in between was made so from what was saved before: it is changed there again.
  if (current === undefined || headOf(current).id === id) return { action: 'keep', result: false } as const;
  const older = olderOf(current);
  if (!older.some((each) => each.id === id)) return { action: 'keep', result: false } as const;
  const raised = older.map((each) =>
    each.id === id && each.revision < revision ? { ...each, revision, lock: metadata.lock } : each,
  );
  return { action: 'write', ...withOlder(current, raised), result: true } as const;
}
