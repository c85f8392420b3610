/** Objects by name: read, written and removed, each as one linearizable step. */
import type { Cluster, Decision, StoredRecord } from '#cluster/cluster.ts';
import { type Ballot, ballotTimeMs } from '#common/ballot.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { HoldfastError, hasCode } from '#common/errors.ts';
import {
  assertLease,
  type BucketPlace,
  type TakenRoom,
  underLease,
  type WriteLease,
} from './bucket-access.ts';
import { AnnouncedExpiry } from './expiry-entry.ts';
import { indexShard } from './index-shard.ts';
import {
  decodeCurrent,
  encodeDeleteMarker,
  EncodedObject,
  headOf,
  type ObjectMetadata,
  type ObjectRecord,
  olderOf,
} from './object-record.ts';
import type { OlderVersion } from './older-versions.ts';
import { releaseCurrent, releaseOlder } from './release-version.ts';
import { type Succession, succeed } from './succession.ts';
import { shownVersion, type VersionId, type VersionStamp, versionTimeMs } from './version-id.ts';
import { removeVersionRecord, saveVersion } from './version-store.ts';
import { judgeCondition, type WriteCondition } from './write-condition.ts';

export type WriteOutcome =
  | {
      readonly outcome: 'done';
      readonly modifiedMs: number;
      /** What the client is told: of a bucket that has, or had, versioning enabled. */
      readonly versionId?: string;
      /** The write was a delete marker's, or removed one. */
      readonly isDeleteMarker?: boolean;
    }
  /** The condition failed, or asked for an object where none is. Nothing was written. */
  | { readonly outcome: 'fails' | 'missing' };

interface Decided {
  readonly answer: WriteOutcome;
  readonly replaced?: StoredRecord | undefined;
  readonly dropped?: OlderVersion | undefined;
}

/** Rounds of a write whose predecessor changes every time it has been saved. */
const ROUNDS_MAX = 1000;

export function objectKey(bucket: BucketPlace, name: string): RecordKey {
  return recordKey(bucket.bucketId, recordKinds.object, indexShard(name, bucket.shards), name);
}

/** The current version; undefined too when that is a delete marker. */
export async function readObject(
  cluster: Cluster,
  bucket: BucketPlace,
  name: string,
): Promise<ObjectRecord | undefined> {
  const stored = await cluster.records.read(objectKey(bucket, name));
  return stored === undefined ? undefined : decodeCurrent(stored);
}

/**
 * Writes the object when `condition` holds, and releases what it replaces. A `deadline` is asked inside the decision
 * and throws to give up. Throws `versions-exceeded`, and `quota-exceeded` with nothing written: stripes that the object
 * brings are then released, except those of an upload's parts.
 */
export async function writeObject(
  cluster: Cluster,
  lease: WriteLease,
  name: string,
  object: EncodedObject,
  condition?: WriteCondition,
  deadline?: () => void,
): Promise<WriteOutcome> {
  const taking = lease.takeRoom?.(object.metadata.sizeBytes);
  const room = taking === undefined ? undefined : await takenRoom(cluster, taking, object);
  const expiry = new AnnouncedExpiry(cluster, lease, name);
  const propose = (current: StoredRecord | undefined, ballot: Ballot): Proposal<Decided> => {
    deadline?.();
    room?.assertHeld();
    const refusal = refused(condition, current, ballot);
    if (refusal !== undefined) return { decision: { action: 'keep', result: refusal } };
    expiry.assertAnnounced(object.metadata.swift?.deleteAtSeconds, ballot);
    const succession = succeed(lease.bucket.versioning, current, ballot);
    const { stamp, older } = succession;
    const result = decidedBy(lease.bucket, succession, current, {});
    return {
      displaced: succession.displaced,
      decision: { action: 'write', ...object.at(stamp, older), result },
    };
  };
  const saving = expiry.before(() => mutateSaving<Decided>(cluster, lease, name, propose));
  const decided = await saving.catch((error: unknown) => {
    room?.settle(!(hasCode(error, 'outcome-unknown') || hasCode(error, 'quorum-unavailable')));
    throw error;
  });
  room?.settle(true);
  await release(cluster, lease.bucket, name, decided);
  if (decided.answer.outcome === 'done') await lease.confirm();
  return decided.answer;
}

async function takenRoom(
  cluster: Cluster,
  taking: Promise<TakenRoom | undefined>,
  object: EncodedObject,
): Promise<TakenRoom | undefined> {
  try {
    return await taking;
  } catch (error) {
    if (hasCode(error, 'quota-exceeded') && object.metadata.uploadId === undefined)
      cluster.bodies.release(object.ownStripes);
    throw error;
  }
}

/**
 * Removes the object when `condition` holds; removing what is not there is `done` too. With versioning, a delete marker
 * takes its place.
 */
export async function removeObject(
  cluster: Cluster,
  lease: WriteLease,
  name: string,
  condition?: WriteCondition,
): Promise<WriteOutcome> {
  const decided = await mutateSaving<Decided>(cluster, lease, name, (current, ballot) => {
    const refusal = refused(condition, current, ballot);
    if (refusal !== undefined) return { decision: { action: 'keep', result: refusal } };
    const { versioning } = lease.bucket;
    const succession = succeed(versioning, current, ballot);
    if (versioning === undefined && succession.older.length === 0) {
      const result = decidedBy(lease.bucket, succession, current, {});
      return { decision: { action: current === undefined ? 'keep' : 'remove', result } };
    }
    const { stamp, older, displaced } = succession;
    const result = decidedBy(lease.bucket, succession, current, { isDeleteMarker: true });
    return { displaced, decision: { action: 'write', ...encodeDeleteMarker(stamp, older), result } };
  });
  await release(cluster, lease.bucket, name, decided);
  if (decided.answer.outcome === 'done' && lease.bucket.versioning !== undefined) await lease.confirm();
  return decided.answer;
}

function decidedBy(
  bucket: BucketPlace,
  { stamp, replaced, dropped }: Succession,
  current: StoredRecord | undefined,
  more: { readonly isDeleteMarker?: boolean },
): Decided {
  const shown = bucket.versioning === undefined ? {} : { versionId: shownVersion(stamp) };
  return {
    answer: { outcome: 'done', modifiedMs: versionTimeMs(stamp.id), ...shown, ...more },
    replaced: replaced ? current : undefined,
    dropped,
  };
}

async function release(cluster: Cluster, bucket: BucketPlace, name: string, decided: Decided): Promise<void> {
  if (decided.replaced !== undefined) await releaseCurrent(cluster, bucket, name, decided.replaced);
  if (decided.dropped !== undefined) await releaseOlder(cluster, bucket, name, decided.dropped);
}

interface Proposal<Result> {
  /** The version that `decision` moves behind another: its record must have been saved before. */
  readonly displaced?: (VersionStamp & { readonly isDeleteMarker: boolean }) | undefined;
  readonly decision: Decision<Result>;
}

interface Attempted<Result> {
  /** Undefined when the current version is to be saved first: nothing has been written. */
  readonly result?: Result;
  readonly unsaved?: StoredRecord;
  /** Was saved in an earlier round, and is gone from the object since. */
  readonly leftOver?: VersionId;
}

/**
 * A mutation of an object's record that may move the current version behind another. The version's own record is written
 * first; a crash in between leaves a record that nothing names.
 */
async function mutateSaving<Result extends object>(
  cluster: Cluster,
  lease: WriteLease,
  name: string,
  propose: (current: StoredRecord | undefined, ballot: Ballot) => Proposal<Result>,
): Promise<Result> {
  const key = objectKey(lease.bucket, name);
  let saved: VersionStamp | undefined;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const known = saved;
    const attempted = await underLease(lease, () =>
      cluster.records.mutate<Attempted<Result>>(key, (current, ballot) => {
        assertLease(lease);
        return attempt(propose(current, ballot), current, known);
      }),
    );
    const { result, unsaved, leftOver } = attempted;
    if (leftOver !== undefined) await removeVersionRecord(cluster, lease.bucket, name, leftOver);
    if (result !== undefined) return result;
    if (unsaved === undefined) throw new Error('a mutation has a result, or something to be saved');
    await saveVersion(cluster, lease.bucket, name, unsaved);
    saved = headOf(unsaved);
  }
  throw new HoldfastError('overloaded', 'too many writes to one key');
}

function attempt<Result>(
  { displaced, decision }: Proposal<Result>,
  current: StoredRecord | undefined,
  saved: VersionStamp | undefined,
): Decision<Attempted<Result>> {
  const isSaved = saved !== undefined && saved.id === displaced?.id && saved.revision === displaced.revision;
  // Once an object's record has ceased to name a version it never names it again.
  const leftOver = saved !== undefined && !isNamed(current, saved.id) ? { leftOver: saved.id } : {};
  if (current !== undefined && displaced?.isDeleteMarker === false && !isSaved)
    return { action: 'keep', result: { unsaved: current, ...leftOver } };
  return { ...decision, result: { result: decision.result, ...leftOver } };
}

function isNamed(current: StoredRecord | undefined, id: VersionId): boolean {
  if (current === undefined) return false;
  return headOf(current).id === id || olderOf(current).some((version) => version.id === id);
}

function refused(
  condition: WriteCondition | undefined,
  current: StoredRecord | undefined,
  ballot: Ballot,
): Decided | undefined {
  if (condition === undefined) return undefined;
  const object = current === undefined ? undefined : decodeCurrent(current);
  const found = object === undefined ? undefined : { ...object.metadata, version: object.version };
  const verdict = judgeCondition(condition, found, ballotTimeMs(ballot));
  return verdict === 'holds' ? undefined : { answer: { outcome: verdict } };
}

export interface Rewritten {
  readonly written: WriteOutcome;
  readonly metadata: ObjectMetadata;
}

/**
 * Replaces the metadata of an object whose body stays what it is, as a write of the object: it has a new time. Undefined
 * when there is none, or when a write would make another version, which cannot share the body. `change` is given what
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
  const expiry = new AnnouncedExpiry(cluster, lease, name);
  const decide = (current: StoredRecord | undefined, ballot: Ballot): Decision<Rewritten | undefined> => {
    assertLease(lease);
    const record = current === undefined ? undefined : decodeCurrent(current);
    if (current === undefined || record === undefined) return { action: 'keep', result: undefined };
    const refusal = refused(condition, current, ballot);
    if (refusal !== undefined) {
      return { action: 'keep', result: { written: refusal.answer, metadata: record.metadata } };
    }
    const succession = succeed(lease.bucket.versioning, current, ballot);
    if (succession.displaced !== undefined) return { action: 'keep', result: undefined };
    const metadata = change(record);
    expiry.assertAnnounced(metadata.swift?.deleteAtSeconds, ballot);
    const encoded = new EncodedObject(metadata, record.body).at(succession.stamp, succession.older);
    const { answer } = decidedBy(lease.bucket, succession, current, {});
    return { action: 'write', ...encoded, result: { written: answer, metadata } };
  };
  const rewritten = await expiry.before(() => underLease(lease, () => cluster.records.mutate(key, decide)));
  if (rewritten?.written.outcome === 'done') await lease.confirm();
  return rewritten;
}
