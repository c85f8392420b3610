/** Makes an object of an upload's parts: docs/formats/upload-record.md, "Order of steps". */
import { createHash } from 'node:crypto';
import type { Cluster, Stripe } from '#cluster/cluster.ts';
import { HoldfastError, hasCode } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { PartExtent } from './body-layout.ts';
import type { WriteLease } from './bucket-access.ts';
import { readLayout, storeLayout } from './object-body.ts';
import { EncodedObject } from './object-record.ts';
import { objectKey, writeObject } from './object-store.ts';
import { readVersionOfUpload } from './object-versions.ts';
import { removeParts } from './remove-parts.ts';
import type { StoredChecksum } from './stored-checksum.ts';
import { decodeUpload, encodeUpload, isBeingCompleted, type UploadRecord } from './upload-record.ts';
import { type NumberedPart, readParts, removeUploadRecord, uploadKey } from './upload-store.ts';
import { shownVersion } from './version-id.ts';
import type { WriteCondition } from './write-condition.ts';

/** How long after its start a completion may still write the object: well before another may take over. */
export const COMPLETION_WRITES_MS = 15_000;

export interface CompletionContext {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly randomness: Randomness;
}

export interface CompletionRequest {
  readonly key: string;
  readonly uploadId: string;
  readonly condition?: WriteCondition;
  /**
   * Chooses, of the parts that are there, those that make the object, in order; throws what the protocol answers when
   * the client's list does not fit them. Called while no part can change.
   */
  choose(upload: UploadRecord, parts: readonly NumberedPart[]): ChosenParts;
}

export interface ChosenParts {
  readonly parts: readonly NumberedPart[];
  readonly checksum: StoredChecksum | undefined;
}

export interface CompletedObject {
  readonly etag: string;
  readonly checksum: StoredChecksum | undefined;
  /** What the client is told: of a bucket that has, or had, versioning enabled. */
  readonly versionId?: string;
}

export type CompletionOutcome =
  | ({ readonly outcome: 'done' } & CompletedObject)
  | { readonly outcome: 'fails' | 'missing' | 'no-upload' | 'busy' };

/** The MD5 of the parts' MD5s, and their number: what S3 shows as the ETag of a multipart object. */
export function multipartEtag(parts: readonly NumberedPart[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part.md5Hex, 'hex');
  return `${hash.digest('hex')}-${parts.length}`;
}

export async function completeUpload(
  context: CompletionContext,
  lease: WriteLease,
  request: CompletionRequest,
): Promise<CompletionOutcome> {
  const completionId = context.randomness.bytes(16).toString('hex');
  // The time is taken before the upload is closed to others: this side gives up early rather than late.
  const startedAt = context.clock.monotonicMs();
  const begun = await begin(context, lease, request, completionId);
  if (begun === 'busy') return { outcome: 'busy' };
  const before = await earlierWork(context.cluster, lease, request);
  if (before !== undefined) {
    if (begun !== 'no-upload') await clear(context.cluster, lease, request, before.stripes);
    const { stripes: _, ...completed } = before;
    return { outcome: 'done', ...completed };
  }
  if (begun === 'no-upload') return { outcome: 'no-upload' };
  let prepared: Prepared;
  try {
    prepared = await prepare(context.cluster, lease, request, begun);
  } catch (error) {
    await reopen(context.cluster, lease, request, completionId);
    throw error;
  }
  // When this throws, the object may be there or come to be: the upload stays closed until another takes over, because
  // an open one would let its parts be replaced, and their stripes released.
  const outcome = await writeObject(
    context.cluster,
    lease,
    request.key,
    prepared.object,
    request.condition,
    () => {
      if (context.clock.monotonicMs() - startedAt > COMPLETION_WRITES_MS)
        throw new HoldfastError('outcome-unknown');
    },
  ).catch(async (error: unknown) => {
    // A quota that leaves no room is asked before anything is written.
    if (hasCode(error, 'quota-exceeded')) {
      context.cluster.bodies.release(prepared.manifest);
      await reopen(context.cluster, lease, request, completionId);
    }
    throw error;
  });
  if (outcome.outcome !== 'done') {
    context.cluster.bodies.release(prepared.manifest);
    await reopen(context.cluster, lease, request, completionId);
    return { outcome: outcome.outcome };
  }
  await clear(context.cluster, lease, request, prepared.stripes);
  const { etag, checksum } = prepared.object.metadata;
  const { versionId } = outcome;
  return { outcome: 'done', etag, checksum, ...(versionId === undefined ? {} : { versionId }) };
}

async function begin(
  context: CompletionContext,
  lease: WriteLease,
  request: CompletionRequest,
  completionId: string,
): Promise<UploadRecord | 'no-upload' | 'busy'> {
  const nowMs = context.clock.nowMs();
  const key = uploadKey(lease.bucket, request.key, request.uploadId);
  return context.cluster.records.mutate<UploadRecord | 'no-upload' | 'busy'>(key, (current) => {
    if (current === undefined) return { action: 'keep', result: 'no-upload' };
    const upload = decodeUpload(current.content);
    if (isBeingCompleted(upload, nowMs)) return { action: 'keep', result: 'busy' };
    const closed = { ...upload, completion: { id: completionId, startedMs: nowMs } };
    return { action: 'write', ...encodeUpload(closed), result: closed };
  });
}

interface EarlierWork extends CompletedObject {
  readonly stripes: readonly Stripe[];
}

/** The object, when an earlier completion of this upload wrote it and the client did not hear of it. */
async function earlierWork(
  cluster: Cluster,
  lease: WriteLease,
  request: CompletionRequest,
): Promise<EarlierWork | undefined> {
  const object = await readVersionOfUpload(cluster, lease.bucket, request.key, request.uploadId);
  if (object === undefined) return undefined;
  const { etag, checksum } = object.metadata;
  const { stripes } = await readLayout(cluster.bodies, object);
  const shown = lease.bucket.versioning === undefined ? {} : { versionId: shownVersion(object.version) };
  return { etag, checksum, stripes, ...shown };
}

function extentOf(
  { number, sizeBytes, checksum }: NumberedPart,
  whole: StoredChecksum | undefined,
): PartExtent {
  const isOfKind = whole !== undefined && checksum?.algorithm === whole.algorithm;
  return isOfKind ? { number, sizeBytes, checksum: checksum.value } : { number, sizeBytes };
}

interface Prepared {
  readonly object: EncodedObject;
  readonly stripes: readonly Stripe[];
  readonly manifest: readonly Stripe[];
}

async function prepare(
  cluster: Cluster,
  lease: WriteLease,
  request: CompletionRequest,
  upload: UploadRecord,
): Promise<Prepared> {
  const chosen = request.choose(upload, await readParts(cluster, lease.bucket, request.uploadId));
  const layout = {
    stripes: chosen.parts.flatMap((part) => part.stripes ?? []),
    parts: chosen.parts.map((part) => extentOf(part, chosen.checksum)),
  };
  const body = await storeLayout(cluster, objectKey(lease.bucket, request.key), layout);
  const metadata = {
    etag: multipartEtag(chosen.parts),
    sizeBytes: layout.parts.reduce((sum, part) => sum + part.sizeBytes, 0),
    headers: upload.headers,
    user: upload.user,
    uploadId: request.uploadId,
    ...(upload.acl === undefined ? {} : { acl: upload.acl }),
    ...(upload.tags === undefined ? {} : { tags: upload.tags }),
    ...(upload.lock === undefined ? {} : { lock: upload.lock }),
    ...(chosen.checksum === undefined ? {} : { checksum: chosen.checksum }),
  };
  const manifest = body.form === 'manifest' ? body.manifest : [];
  return { object: new EncodedObject(metadata, body), stripes: layout.stripes, manifest };
}

/**
 * What is left to do once the object is there. A failure is not the client's: the upload stays, closed and not listed,
 * until a repeat, an abort, the object's or the bucket's removal takes it away.
 */
async function clear(
  cluster: Cluster,
  lease: WriteLease,
  request: CompletionRequest,
  stripes: readonly Stripe[],
): Promise<void> {
  try {
    await removeParts(cluster, lease.bucket, request.uploadId, new Set(stripes.map((stripe) => stripe.id)));
    await removeUploadRecord(cluster, lease.bucket, request.key, request.uploadId);
  } catch {
    // Told above.
  }
}

/** Opens the upload again for another try. */
async function reopen(
  cluster: Cluster,
  lease: WriteLease,
  request: CompletionRequest,
  completionId: string,
): Promise<void> {
  await cluster.records.mutate(uploadKey(lease.bucket, request.key, request.uploadId), (current) => {
    if (current === undefined) return { action: 'keep', result: undefined };
    const { completion, ...open } = decodeUpload(current.content);
    if (completion?.id !== completionId) return { action: 'keep', result: undefined };
    return { action: 'write', ...encodeUpload(open), result: undefined };
  });
}
