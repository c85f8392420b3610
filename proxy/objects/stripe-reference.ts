/**
 * Whether a stripe is still referred to: what the sweep of unreferenced blobs asks the service that owns the records
 * (docs/formats/upload-record.md, "Order of steps").
 */
import type { Cluster } from '#cluster/cluster.ts';
import { type RecordKey, recordKey, recordKinds, recordName, recordSpace } from '#common/codec/record-key.ts';
import type { BlobId } from '#common/ids.ts';
import { readLayout } from './object-body.ts';
import { decodeCurrent, decodeObject, type ObjectRecord, olderOf } from './object-record.ts';
import { splitUploadName } from './upload-record.ts';
import { versionKeyOf } from './version-store.ts';

/** @param owner the key under which the stripe was written. True when in doubt: of a kind that is not known here. */
export async function stripeIsReferenced(
  cluster: Cluster,
  owner: RecordKey,
  stripe: BlobId,
): Promise<boolean> {
  const kind = owner[16];
  if (kind === recordKinds.object) return objectRefersTo(cluster, owner, stripe);
  if (kind !== recordKinds.upload) return true;
  if ((await cluster.records.read(owner)) !== undefined) return true;
  // An upload and its object are both in the shard that the object's key hashes to.
  const { key, uploadId } = splitUploadName(recordName(owner));
  const object = recordKey(recordSpace(owner), recordKinds.object, owner.readUInt16BE(17), key);
  return objectRefersTo(cluster, object, stripe, uploadId);
}

async function objectRefersTo(
  cluster: Cluster,
  key: RecordKey,
  stripe: BlobId,
  uploadId?: string,
): Promise<boolean> {
  const stored = await cluster.records.read(key);
  if (stored === undefined) return false;
  const current = decodeCurrent(stored);
  if (current !== undefined && (await refersTo(cluster, current, stripe, uploadId))) return true;
  const older = olderOf(stored).filter((version) => !version.isDeleteMarker);
  for (const version of older) {
    if (uploadId !== undefined && version.uploadId !== uploadId) continue;
    const saved = await cluster.records.read(versionKeyOf(key, version.id));
    // In doubt: it has been removed just now, or has become current.
    if (saved === undefined || (await refersTo(cluster, decodeObject(saved), stripe, uploadId))) return true;
  }
  return false;
}

async function refersTo(
  cluster: Cluster,
  object: ObjectRecord,
  stripe: BlobId,
  uploadId: string | undefined,
): Promise<boolean> {
  if (uploadId !== undefined && object.metadata.uploadId !== uploadId) return false;
  if (object.body.form === 'inline') return false;
  if (object.body.form === 'manifest' && object.body.manifest.some(({ id }) => id === stripe)) return true;
  const layout = await readLayout(cluster.bodies, object);
  return layout.stripes.some(({ id }) => id === stripe);
}
