/** Objects by name: read, written and removed, each as one linearizable step. */
import type { Cluster, Decision, StoredRecord } from '#cluster/cluster.ts';
import { type Ballot, ballotTimeMs } from '#common/ballot.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { assertLease, type BucketPlace, underLease, type WriteLease } from './bucket-access.ts';
import { indexShard } from './index-shard.ts';
import { releaseBody } from './object-body.ts';
import {
  decodeObject,
  EncodedObject,
  isInline,
  type ObjectMetadata,
  type ObjectRecord,
} from './object-record.ts';
import { removeUploadRecord } from './upload-store.ts';
import { judgeCondition, type WriteCondition } from './write-condition.ts';

export type WriteOutcome =
  | { readonly outcome: 'done'; readonly modifiedMs: number }
  /** The condition failed, or asked for an object where none is. Nothing was written. */
  | { readonly outcome: 'fails' | 'missing' };

interface Decided {
  readonly answer: WriteOutcome;
  readonly replaced?: StoredRecord;
}

export function objectKey(bucket: BucketPlace, name: string): RecordKey {
  return recordKey(bucket.bucketId, recordKinds.object, indexShard(name, bucket.shards), name);
}

export async function readObject(
  cluster: Cluster,
  bucket: BucketPlace,
  name: string,
): Promise<ObjectRecord | undefined> {
  const stored = await cluster.records.read(objectKey(bucket, name));
  return stored === undefined ? undefined : decodeObject(stored);
}

/**
 * Writes the object when `condition` holds, and releases what it replaces. A `deadline` is asked inside the decision
 * and throws to give up.
 */
export async function writeObject(
  cluster: Cluster,
  lease: WriteLease,
  name: string,
  object: EncodedObject,
  condition?: WriteCondition,
  deadline?: () => void,
): Promise<WriteOutcome> {
  const key = objectKey(lease.bucket, name);
  const decide = (current: StoredRecord | undefined, ballot: Ballot): Decision<Decided> => {
    assertLease(lease);
    deadline?.();
    const refusal = refused(condition, current);
    if (refusal !== undefined) return { action: 'keep', result: refusal };
    const modifiedMs = ballotTimeMs(ballot);
    return {
      action: 'write',
      ...object.at(modifiedMs),
      result: {
        answer: { outcome: 'done', modifiedMs },
        ...(current === undefined ? {} : { replaced: current }),
      },
    };
  };
  const decided = await underLease(lease, () => cluster.records.mutate(key, decide));
  if (decided.replaced !== undefined) await releaseReplaced(cluster, lease.bucket, name, decided.replaced);
  if (decided.answer.outcome === 'done') await lease.confirm();
  return decided.answer;
}

/** Removes the object when `condition` holds; removing what is not there is `done` too. */
export async function removeObject(
  cluster: Cluster,
  lease: WriteLease,
  name: string,
  condition?: WriteCondition,
): Promise<WriteOutcome> {
  const key = objectKey(lease.bucket, name);
  const decide = (current: StoredRecord | undefined, ballot: Ballot): Decision<Decided> => {
    assertLease(lease);
    const refusal = refused(condition, current);
    if (refusal !== undefined) return { action: 'keep', result: refusal };
    const answer = { outcome: 'done', modifiedMs: ballotTimeMs(ballot) } as const;
    if (current === undefined) return { action: 'keep', result: { answer } };
    return { action: 'remove', result: { answer, replaced: current } };
  };
  const decided = await underLease(lease, () => cluster.records.mutate(key, decide));
  if (decided.replaced !== undefined) await releaseReplaced(cluster, lease.bucket, name, decided.replaced);
  return decided.answer;
}

function refused(
  condition: WriteCondition | undefined,
  current: StoredRecord | undefined,
): Decided | undefined {
  if (condition === undefined) return undefined;
  const verdict = judgeCondition(
    condition,
    current === undefined ? undefined : decodeObject(current).metadata,
  );
  return verdict === 'holds' ? undefined : { answer: { outcome: verdict } };
}

/**
 * Gives back the stripes of an object that has been replaced. What is left of the upload that made it goes first, so that
 * a completion which is repeated cannot refer to stripes that are gone. A failure leaves the stripes to the sweep:
 * the write itself has taken effect.
 */
async function releaseReplaced(
  cluster: Cluster,
  bucket: BucketPlace,
  name: string,
  stored: StoredRecord,
): Promise<void> {
  if (isInline(stored)) return;
  try {
    const replaced = decodeObject(stored);
    const { uploadId } = replaced.metadata;
    if (uploadId !== undefined) await removeUploadRecord(cluster, bucket, name, uploadId);
    await releaseBody(cluster.bodies, replaced);
  } catch {
    // Stripes that nothing refers to are found by the sweep, which asks the record that owns them.
  }
}

export interface Rewritten {
  readonly written: WriteOutcome;
  readonly metadata: ObjectMetadata;
}

/**
 * Replaces the metadata of an object whose body stays what it is; undefined when there is none. `change` is given what
 * the decision found; what it throws passes through.
 */
export async function rewriteObject(
  cluster: Cluster,
  lease: WriteLease,
  name: string,
  condition: WriteCondition | undefined,
  change: (record: ObjectRecord) => ObjectMetadata,
): Promise<Rewritten | undefined> {
  const key = objectKey(lease.bucket, name);
  const decide = (current: StoredRecord | undefined, ballot: Ballot): Decision<Rewritten | undefined> => {
    assertLease(lease);
    if (current === undefined) return { action: 'keep', result: undefined };
    const record = decodeObject(current);
    const refusal = refused(condition, current);
    if (refusal !== undefined) {
      return { action: 'keep', result: { written: refusal.answer, metadata: record.metadata } };
    }
    const metadata = change(record);
    const modifiedMs = ballotTimeMs(ballot);
    const encoded = new EncodedObject(metadata, record.body).at(modifiedMs);
    return { action: 'write', ...encoded, result: { written: { outcome: 'done', modifiedMs }, metadata } };
  };
  const rewritten = await underLease(lease, () => cluster.records.mutate(key, decide));
  if (rewritten?.written.outcome === 'done') await lease.confirm();
  return rewritten;
}
