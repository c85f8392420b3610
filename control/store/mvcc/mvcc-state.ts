/**
 * Every key with its past, in memory. Pure: a change is made at once, and what it comes to is given as records for a
 * journal. Reads name a revision, so that whoever answers clients can keep what is not durable yet from being seen.
 *
 * A key's versions stand in order of their revisions; compaction drops those that a later one up to the compacted revision
 * has replaced, and that one too when it is a deletion.
 */
import { HoldfastError } from '#common/errors.ts';
import { isWithin, type KeyRange } from '../key-range.ts';
import type {
  Comparison,
  Entry,
  LeaseId,
  Operation,
  OperationResult,
  RangeResult,
  Transaction,
  TransactionResult,
  WatchBatch,
  WatchEvent,
} from '../store.ts';
import type { JournalRecord, Version } from './journal.ts';
import { OrderedMap } from './ordered-map.ts';

/** What a version takes besides its key and value, about. */
const VERSION_OVERHEAD_BYTES = 200;

interface Change {
  readonly key: string;
  readonly version: Version;
}

interface HeldLease {
  readonly ttlSeconds: number;
  readonly keys: Set<string>;
}

export class MvccState {
  readonly #keys = new OrderedMap<Version[]>();
  /** The changes since the compacted revision, a list for each revision that has any, in order. */
  #log: Change[][] = [];
  readonly #leases = new Map<LeaseId, HeldLease>();
  #revision = 1;
  #compactedRevision = 0;
  #bytes = 0;

  get revision(): number {
    return this.#revision;
  }

  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  /** Of keys and values with their past, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get leases(): ReadonlyMap<LeaseId, { readonly ttlSeconds: number }> {
    return this.#leases;
  }

  /** Takes what a journal kept: versions in any order, then `finishRestore`. */
  restore(key: string, version: Version): void {
    const versions = this.#keys.get(key);
    if (versions === undefined) this.#keys.set(key, [version]);
    else versions.push(version);
    this.#bytes += bytesOf(key, version);
  }

  finishRestore(revision: number, compactedRevision: number, leases: Iterable<[LeaseId, number]>): void {
    this.#revision = revision;
    this.#compactedRevision = compactedRevision;
    for (const [id, ttlSeconds] of leases) this.#leases.set(id, { ttlSeconds, keys: new Set() });
    const byRevision = new Map<number, Change[]>();
    for (const [key, versions] of this.#keys.between('', '\x7f')) {
      versions.sort((a, b) => a.revision - b.revision);
      for (const version of versions) {
        if (version.revision <= compactedRevision) continue;
        const changes = byRevision.get(version.revision);
        if (changes === undefined) byRevision.set(version.revision, [{ key, version }]);
        else changes.push({ key, version });
      }
      const last = versions.at(-1);
      if (last?.lease !== undefined) this.#leases.get(last.lease)?.keys.add(key);
    }
    this.#log = [...byRevision].toSorted(([a], [b]) => a - b).map(([, changes]) => changes);
  }

  /** @throws `lease-unknown` before anything has changed. */
  transact(transaction: Transaction): { result: TransactionResult; records: JournalRecord[] } {
    const succeeded = (transaction.compare ?? []).every((comparison) => this.#holds(comparison));
    const operations = succeeded ? transaction.then : (transaction.otherwise ?? []);
    for (const operation of operations)
      if (operation.kind === 'put' && operation.lease !== undefined) this.#leaseOf(operation.lease);
    const changes: Change[] = [];
    const results = operations.map((operation) => this.#perform(operation, changes));
    const records = this.#commit(changes);
    return { result: { succeeded, revision: this.#revision, results }, records };
  }

  range(range: KeyRange, revision: number, limit = Number.POSITIVE_INFINITY): RangeResult {
    const entries: Entry[] = [];
    for (const [key, versions] of this.#keys.between(range.from, range.to)) {
      const entry = entryAt(key, versions, revision);
      if (entry === undefined) continue;
      if (entries.length >= limit) return { revision, entries, more: true };
      entries.push(entry);
    }
    return { revision, entries, more: false };
  }

  /**
   * The changes of a range, from one revision to another. Stops after the revision with which there are `eventsMax`.
   * @returns with the revision up to which it went.
   */
  changes(range: KeyRange, from: number, to: number, eventsMax: number): WatchBatch {
    const events: WatchEvent[] = [];
    for (let at = this.#logPlace(from); at < this.#log.length; at += 1) {
      const changes = this.#log[at] as Change[];
      const revision = revisionOf(changes);
      if (revision > to) break;
      for (const { key, version } of changes) if (isWithin(key, range)) events.push(eventOf(key, version));
      if (events.length >= eventsMax) return { revision, events };
    }
    return { revision: to, events };
  }

  grantLease(id: LeaseId, ttlSeconds: number): JournalRecord[] {
    this.#leases.set(id, { ttlSeconds, keys: new Set() });
    return [{ kind: 'lease', id, ttlSeconds }];
  }

  endLease(id: LeaseId): JournalRecord[] {
    const { keys } = this.#leaseOf(id);
    const changes: Change[] = [];
    for (const key of [...keys]) this.#remove(key, changes);
    this.#leases.delete(id);
    return [...this.#commit(changes), { kind: 'lease-ended', id }];
  }

  /** Drops the past below `revision`. */
  compact(revision: number): JournalRecord[] {
    if (revision <= this.#compactedRevision) return [];
    const records: JournalRecord[] = [{ kind: 'compacted', revision }];
    const kept = this.#logPlace(revision + 1);
    const touched = new Set(this.#log.slice(0, kept).flatMap((changes) => changes.map(({ key }) => key)));
    for (const key of touched) {
      const versions = this.#keys.get(key) as Version[];
      for (const { revision: dropped } of this.#dropPast(key, versions, revision))
        records.push({ kind: 'dropped', key, revision: dropped });
    }
    this.#log.splice(0, kept);
    this.#compactedRevision = revision;
    return records;
  }

  #dropPast(key: string, versions: Version[], revision: number): Version[] {
    let replaced = versions.findLastIndex((version) => version.revision <= revision);
    if (versions[replaced]?.value === undefined) replaced += 1;
    const dropped = versions.splice(0, Math.max(0, replaced));
    for (const version of dropped) this.#bytes -= bytesOf(key, version);
    if (versions.length === 0) this.#keys.delete(key);
    return dropped;
  }

  #leaseOf(id: LeaseId): HeldLease {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new HoldfastError('lease-unknown');
    return lease;
  }

  #holds(comparison: Comparison): boolean {
    const versions = this.#keys.get(comparison.key);
    const entry = versions && entryAt(comparison.key, versions, this.#revision);
    if (comparison.target === 'value')
      return (entry?.value.equals(comparison.to) ?? false) === (comparison.is === '=');
    const value = entry?.[comparison.target] ?? 0;
    if (comparison.is === '<') return value < comparison.to;
    if (comparison.is === '>') return value > comparison.to;
    return (value === comparison.to) === (comparison.is === '=');
  }

  #perform(operation: Operation, changes: Change[]): OperationResult {
    const now = this.#revision + 1;
    switch (operation.kind) {
      case 'put':
        this.#put(operation.key, operation.value, operation.lease, changes);
        return { kind: 'put' };
      case 'delete': {
        const { entries } = this.range(operation.range, now);
        for (const { key } of entries) this.#remove(key, changes);
        return { kind: 'delete', deleted: entries.length };
      }
      case 'range': {
        const revision = changes.length > 0 ? now : this.#revision;
        return { kind: 'range', ...this.range(operation.range, revision, operation.limit) };
      }
    }
  }

  #put(key: string, value: Buffer, lease: LeaseId | undefined, changes: Change[]): void {
    const revision = this.#revision + 1;
    const before = this.#keys.get(key)?.at(-1);
    const isNew = before?.value === undefined;
    this.#append(key, changes, {
      revision,
      createRevision: isNew ? revision : before.createRevision,
      version: isNew ? 1 : before.version + 1,
      lease,
      // What the caller does with its buffer afterwards must not change the store.
      value: Buffer.from(value),
    });
    if (lease !== undefined) this.#leases.get(lease)?.keys.add(key);
  }

  #remove(key: string, changes: Change[]): void {
    const revision = this.#revision + 1;
    this.#append(key, changes, {
      revision,
      createRevision: 0,
      version: 0,
      lease: undefined,
      value: undefined,
    });
  }

  #append(key: string, changes: Change[], version: Version): void {
    const versions = this.#keys.get(key);
    const attached = versions?.at(-1)?.lease;
    if (attached !== undefined) this.#leases.get(attached)?.keys.delete(key);
    if (versions === undefined) this.#keys.set(key, [version]);
    else versions.push(version);
    this.#bytes += bytesOf(key, version);
    changes.push({ key, version });
  }

  #commit(changes: Change[]): JournalRecord[] {
    if (changes.length === 0) return [];
    this.#revision += 1;
    this.#log.push(changes);
    return changes.map((change) => ({ kind: 'version', ...change }));
  }

  /** Where the log has the first revision that is `revision` or later. */
  #logPlace(revision: number): number {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (revisionOf(this.#log[middle] as Change[]) < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function revisionOf(changes: readonly Change[]): number {
  return changes[0]?.version.revision ?? 0;
}

function bytesOf(key: string, { value }: Version): number {
  return VERSION_OVERHEAD_BYTES + key.length + (value?.length ?? 0);
}

function entryAt(key: string, versions: readonly Version[], revision: number): Entry | undefined {
  const version = versions.findLast((one) => one.revision <= revision);
  return version?.value === undefined ? undefined : entryOf(key, version, version.value);
}

function entryOf(key: string, version: Version, value: Buffer): Entry {
  return {
    key,
    value,
    createRevision: version.createRevision,
    modRevision: version.revision,
    version: version.version,
    lease: version.lease,
  };
}

function eventOf(key: string, version: Version): WatchEvent {
  if (version.value === undefined) return { kind: 'delete', key, modRevision: version.revision };
  return { kind: 'put', entry: entryOf(key, version, version.value) };
}
