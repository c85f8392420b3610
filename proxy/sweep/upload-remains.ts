/** What a crash leaves of a multipart upload: docs/formats/upload-record.md, "Order of steps". */
import type { Cluster } from '#cluster/cluster.ts';
import { type RecordKey, recordKey, recordKinds, recordName, recordSpace } from '#common/codec/record-key.ts';
import { decodeCurrent } from '#proxy/objects/object-record.ts';
import { decodePart } from '#proxy/objects/part-record.ts';
import { decodeUpload, splitUploadName } from '#proxy/objects/upload-record.ts';
import type { SweepContext } from './sweep-context.ts';

const KIND_AT = 16;

/**
 * Removes a part whose upload is gone. A part does not say which object its upload was for; its stripes do. A part without
 * any, or whose stripes are gone, is left.
 */
export async function removeOrphanPart({ cluster, upkeep }: SweepContext, key: RecordKey): Promise<boolean> {
  const stored = await cluster.records.read(key);
  const stripe = stored === undefined ? undefined : decodePart(stored.content).stripes?.[0];
  if (stored === undefined || stripe === undefined) return false;
  const owner = (await upkeep.findBlob(stripe.id))?.owner;
  if (owner?.[KIND_AT] !== recordKinds.upload) return false;
  const { uploadId } = splitUploadName(recordName(owner));
  if (!recordName(key).startsWith(`${uploadId}/`) || (await cluster.records.read(owner)) !== undefined)
    return false;
  // By its content: a read that had to settle the record has given it another ballot.
  return cluster.records.mutate<boolean>(key, (current) =>
    current?.content.equals(stored.content) === true
      ? { action: 'remove', result: true }
      : { action: 'keep', result: false },
  );
}

/** Removes an upload's record when its object is there: a completion ended before it could. Its parts are then without an upload. */
export async function clearCompleted(cluster: Cluster, key: RecordKey): Promise<boolean> {
  const stored = await cluster.records.read(key);
  if (stored === undefined) return false;
  const { completion } = decodeUpload(stored.content);
  if (completion === undefined) return false;
  const { key: name, uploadId } = splitUploadName(recordName(key));
  const object = await cluster.records.read(
    recordKey(recordSpace(key), recordKinds.object, key.readUInt16BE(KIND_AT + 1), name),
  );
  const made = object === undefined ? undefined : decodeCurrent(object)?.metadata.uploadId;
  if (made !== uploadId) return false;
  return cluster.records.mutate<boolean>(key, (current) =>
    current?.content.equals(stored.content) === true
      ? { action: 'remove', result: true }
      : { action: 'keep', result: false },
  );
}
