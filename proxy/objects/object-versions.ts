/** Versions of an object by their ids: read, removed, and changed in place, each as one linearizable step. */
import type { Cluster, Decision, StoredRecord } from '#cluster/cluster.ts';
import { HoldfastError } from '#common/errors.ts';
import { ballotTimeMs } from '#common/ballot.ts';
import { assertLease, type BucketPlace, underLease, type WriteLease } from './bucket-access.ts';
import { type Leave, mayRemove, type ObjectLock } from './object-lock.ts';
import {
  decodeCurrent,
  decodeObject,
  encodeDeleteMarker,
  headOf,
  type ObjectRecord,
  olderOf,
  withOlder,
} from './object-record.ts';
import { objectKey } from './object-store.ts';
import type { OlderVersion } from './older-versions.ts';
import { releaseCurrent, releaseOlder } from './release-version.ts';
import {
  selects,
  type VersionId,
  type VersionSelector,
  type VersionStamp,
  versionTimeMs,
} from './version-id.ts';
import { readVersionRecord } from './version-store.ts';

/** Rounds of an operation whose object changes every time it has been looked at. */
const ROUNDS_MAX = 100;

export type FoundVersion =
  | { readonly type: 'object'; readonly record: ObjectRecord }
  | {
      readonly type: 'delete-marker';
      readonly version: VersionStamp;
      /** Milliseconds since 1970. */
      readonly modifiedMs: number;
      readonly isLatest: boolean;
    };

/** @param selector the current version when left out. Undefined when there is no such version. */
export async function readVersion(
  cluster: Cluster,
  bucket: BucketPlace,
  name: string,
  selector?: VersionSelector,
): Promise<FoundVersion | undefined> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const stored = await cluster.records.read(objectKey(bucket, name));
    if (stored === undefined) return undefined;
    const head = headOf(stored);
    if (selector === undefined || selects(selector, head)) {
      const record = decodeCurrent(stored);
      return record === undefined ? markerOf(head, true) : { type: 'object', record };
    }
    const wanted = olderOf(stored).find((version) => selects(selector, version));
    if (wanted === undefined) return undefined;
    if (wanted.isDeleteMarker) return markerOf(wanted, false);
    const saved = await readVersionRecord(cluster, bucket, name, wanted.id);
    // When it is gone it has been removed since: then the object's record no longer names it.
    if (saved !== undefined) return { type: 'object', record: decodeObject(saved) };
  }
  throw new HoldfastError('overloaded', 'the object changes too fast to be read');
}

function markerOf({ id, isNull, revision }: VersionStamp, isLatest: boolean): FoundVersion {
  return {
    type: 'delete-marker',
    version: { id, isNull, revision },
    modifiedMs: versionTimeMs(id),
    isLatest,
  };
}

/** The version that a multipart upload made, current or not. */
export async function readVersionOfUpload(
  cluster: Cluster,
  bucket: BucketPlace,
  name: string,
  uploadId: string,
): Promise<ObjectRecord | undefined> {
  const stored = await cluster.records.read(objectKey(bucket, name));
  if (stored === undefined) return undefined;
  const current = decodeCurrent(stored);
  if (current?.metadata.uploadId === uploadId) return current;
  const wanted = olderOf(stored).find((version) => version.uploadId === uploadId);
  if (wanted === undefined) return undefined;
  const found = await readVersion(cluster, bucket, name, wanted.isNull ? 'null' : wanted.id);
  return found?.type === 'object' && found.record.version.id === wanted.id ? found.record : undefined;
}

/** A version by its own id, also the null version; it is removed only if it stands where it is looked for. */
export interface ExactVersion {
  readonly id: VersionId;
  /** `alone`: it is current, and the key's only version. `behind`: it is not current. */
  readonly place: 'alone' | 'behind';
}

export interface VersionRemoval {
  /** Undefined when there was no such version. */
  readonly removed: VersionStamp | undefined;
  readonly isDeleteMarker: boolean;
}

interface RemovalStep {
  readonly locked?: true;
  readonly removal?: VersionRemoval;
  readonly current?: StoredRecord;
  readonly older?: OlderVersion;
  /** Becomes the current version: its record is to be read first. */
  readonly successor?: OlderVersion;
}

/**
 * Removes one version for good; 'locked' when it is kept from that. The version behind a current one that goes becomes
 * current in the same step.
 */
export async function removeVersion(
  cluster: Cluster,
  lease: WriteLease,
  name: string,
  selector: VersionSelector | ExactVersion,
  leave: Leave = { bypassesGovernance: false },
): Promise<VersionRemoval | 'locked'> {
  const key = objectKey(lease.bucket, name);
  let successor: StoredRecord | undefined;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const promoted = successor;
    const step = await underLease(lease, () =>
      cluster.records.mutate<RemovalStep>(key, (current, ballot) => {
        assertLease(lease);
        const isFree = (lock: ObjectLock | undefined) => mayRemove(lock, ballotTimeMs(ballot), leave);
        return decideRemoval(current, selector, promoted, isFree);
      }),
    );
    if (step.locked === true) return 'locked';
    if (step.removal !== undefined) {
      if (step.current !== undefined) await releaseCurrent(cluster, lease.bucket, name, step.current);
      if (step.older !== undefined) await releaseOlder(cluster, lease.bucket, name, step.older);
      return step.removal;
    }
    if (step.successor !== undefined)
      successor = await readVersionRecord(cluster, lease.bucket, name, step.successor.id);
  }
  throw new HoldfastError('overloaded', 'too many writes to one key');
}

const NOTHING: RemovalStep = { removal: { removed: undefined, isDeleteMarker: false } };

function decideRemoval(
  current: StoredRecord | undefined,
  selector: VersionSelector | ExactVersion,
  promoted: StoredRecord | undefined,
  isFree: (lock: ObjectLock | undefined) => boolean,
): Decision<RemovalStep> {
  if (current === undefined) return { action: 'keep', result: NOTHING };
  const head = headOf(current);
  const older = olderOf(current);
  const exact = typeof selector === 'string' ? undefined : selector;
  const isWanted = (version: VersionStamp) =>
    typeof selector === 'string' ? selects(selector, version) : version.id === selector.id;
  const stands = exact === undefined || exact.place === (isWanted(head) ? 'alone' : 'behind');
  if (!stands || (exact?.place === 'alone' && older.length > 0)) return { action: 'keep', result: NOTHING };
  if (!isWanted(head)) {
    const wanted = older.find(isWanted);
    if (wanted === undefined) return { action: 'keep', result: NOTHING };
    if (!isFree(wanted.lock)) return { action: 'keep', result: { locked: true } };
    const left = older.filter((version) => version !== wanted);
    return { action: 'write', ...withOlder(current, left), result: { ...removalOf(wanted), older: wanted } };
  }
  if (!isFree(decodeCurrent(current)?.metadata.lock)) return { action: 'keep', result: { locked: true } };
  const result = { ...removalOf(head), current };
  const [next, ...rest] = older;
  if (next === undefined) return { action: 'remove', result };
  if (next.isDeleteMarker) return { action: 'write', ...encodeDeleteMarker(next, rest), result };
  // What was read of it must not be older than what the object's record says of it: it may have been changed since.
  const found = promoted === undefined ? undefined : headOf(promoted);
  if (promoted === undefined || found?.id !== next.id || found.revision < next.revision)
    return { action: 'keep', result: { successor: next } };
  return { action: 'write', ...withOlder(promoted, rest), result };
}

function removalOf(version: VersionStamp & { readonly isDeleteMarker: boolean }): RemovalStep {
  const { id, isNull, revision, isDeleteMarker } = version;
  return { removal: { removed: { id, isNull, revision }, isDeleteMarker } };
}
