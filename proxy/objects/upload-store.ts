/** Multipart uploads and their parts: docs/formats/upload-record.md, "Order of steps". */
import type { Cluster, ListingStart, Stripe } from '#cluster/cluster.ts';
import { ballotTimeMs } from '#common/ballot.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { assertLease, type BucketPlace, underLease, type WriteLease } from './bucket-access.ts';
import { indexShard } from './index-shard.ts';
import {
  decodePart,
  encodePart,
  type PartChecksum,
  type PartRecord,
  partName,
  partNumberOfName,
} from './part-record.ts';
import {
  decodeUpload,
  encodeUpload,
  isBeingCompleted,
  type UploadRecord,
  uploadName,
} from './upload-record.ts';

const PAGE_ROWS = 1000;

export interface NumberedPart extends PartRecord {
  readonly number: number;
}

export interface NewPart {
  readonly number: number;
  readonly md5Hex: string;
  readonly sizeBytes: number;
  readonly checksum: PartChecksum | undefined;
  readonly stripes: readonly Stripe[];
}

/** Also the owner of the stripes of all its parts. */
export function uploadKey(bucket: BucketPlace, key: string, uploadId: string): RecordKey {
  return recordKey(
    bucket.bucketId,
    recordKinds.upload,
    indexShard(key, bucket.shards),
    uploadName(key, uploadId),
  );
}

export function partKey(bucket: BucketPlace, uploadId: string, number: number): RecordKey {
  const shard = indexShard(uploadId, bucket.shards);
  return recordKey(bucket.bucketId, recordKinds.part, shard, partName(uploadId, number));
}

export async function createUpload(
  cluster: Cluster,
  lease: WriteLease,
  key: string,
  uploadId: string,
  upload: UploadRecord,
): Promise<void> {
  const record = uploadKey(lease.bucket, key, uploadId);
  await underLease(lease, () =>
    cluster.records.mutate(record, () => {
      assertLease(lease);
      return { action: 'write', ...encodeUpload(upload), result: undefined };
    }),
  );
  await lease.confirm();
}

export async function readUpload(
  cluster: Cluster,
  bucket: BucketPlace,
  key: string,
  uploadId: string,
): Promise<UploadRecord | undefined> {
  const stored = await cluster.records.read(uploadKey(bucket, key, uploadId));
  return stored === undefined ? undefined : decodeUpload(stored.content);
}

/** Removes the upload's record and nothing else. Most often it is gone already, which a read tells for less. */
export async function removeUploadRecord(
  cluster: Cluster,
  bucket: BucketPlace,
  key: string,
  uploadId: string,
): Promise<void> {
  const record = uploadKey(bucket, key, uploadId);
  if ((await cluster.records.read(record)) === undefined) return;
  await cluster.records.mutate(record, () => ({ action: 'remove', result: undefined }));
}

/** The same, unless the upload is being completed anew: then its parts may be about to make an object again. Whether it is gone. */
export async function removeIdleUpload(
  cluster: Cluster,
  bucket: BucketPlace,
  key: string,
  uploadId: string,
): Promise<boolean> {
  const record = uploadKey(bucket, key, uploadId);
  if ((await cluster.records.read(record)) === undefined) return true;
  return await cluster.records.mutate(record, (current, ballot) => {
    const isBusy =
      current !== undefined && isBeingCompleted(decodeUpload(current.content), ballotTimeMs(ballot));
    return { action: isBusy ? 'keep' : 'remove', result: !isBusy };
  });
}

/**
 * Writes the part's record, over one of the same number. False when the upload is no longer open: the part does not
 * count, and its stripes are the sweep's, because a completion may have read it.
 */
export async function writePart(
  cluster: Cluster,
  lease: WriteLease,
  key: string,
  uploadId: string,
  part: NewPart,
): Promise<{ readonly open: boolean; readonly modifiedMs: number }> {
  const record = partKey(lease.bucket, uploadId, part.number);
  const decided = await underLease(lease, () =>
    cluster.records.mutate(record, (current, ballot) => {
      assertLease(lease);
      const modifiedMs = ballotTimeMs(ballot);
      const replaced = current === undefined ? undefined : decodePart(current.content).stripes;
      return { action: 'write', ...encodePart({ ...part, modifiedMs }), result: { modifiedMs, replaced } };
    }),
  );
  await lease.confirm();
  const upload = await readUpload(cluster, lease.bucket, key, uploadId);
  if (upload === undefined) {
    await cluster.records.mutate(record, () => ({ action: 'remove', result: undefined }));
    return { open: false, modifiedMs: decided.modifiedMs };
  }
  if (upload.completion !== undefined) return { open: false, modifiedMs: decided.modifiedMs };
  if (decided.replaced !== undefined) cluster.bodies.release(decided.replaced);
  return { open: true, modifiedMs: decided.modifiedMs };
}

/** One page of an upload's parts, in order of their numbers. */
export async function listParts(
  cluster: Cluster,
  bucket: BucketPlace,
  uploadId: string,
  afterNumber: number,
  limit: number,
): Promise<{ parts: NumberedPart[]; more: boolean }> {
  const start: ListingStart = { after: partName(uploadId, afterNumber) };
  const page = await listPartRows(cluster, bucket, uploadId, start, limit);
  const parts: NumberedPart[] = [];
  for (const entry of page.entries) {
    if (entry.type !== 'row') continue;
    parts.push({ ...decodePart(entry.summary), number: partNumberOfName(entry.name) });
  }
  return { parts, more: page.more };
}

/** All parts of an upload, with their stripes. */
export async function readParts(
  cluster: Cluster,
  bucket: BucketPlace,
  uploadId: string,
): Promise<NumberedPart[]> {
  const all: NumberedPart[] = [];
  for (;;) {
    const page = await listParts(cluster, bucket, uploadId, all.at(-1)?.number ?? 0, PAGE_ROWS);
    for (const part of page.parts) {
      all.push(part.stripes === undefined ? await readPart(cluster, bucket, uploadId, part.number) : part);
    }
    if (!page.more) return all;
  }
}

async function readPart(
  cluster: Cluster,
  bucket: BucketPlace,
  uploadId: string,
  number: number,
): Promise<NumberedPart> {
  const stored = await cluster.records.read(partKey(bucket, uploadId, number));
  if (stored === undefined)
    throw new HoldfastError('aborted', 'the upload was removed while its parts were read');
  return { ...decodePart(stored.content), number };
}

/**
 * A part's rows are all in one shard, but a listing goes over a space's shards from 0: it is told of all of them, and
 * the prefix leaves the others empty.
 */
function listPartRows(
  cluster: Cluster,
  bucket: BucketPlace,
  uploadId: string,
  start: ListingStart,
  limit: number,
) {
  return cluster.listings.list({
    space: bucket.bucketId,
    kind: recordKinds.part,
    shards: bucket.shards,
    prefix: `${uploadId}/`,
    delimiter: '',
    start,
    limit,
  });
}
