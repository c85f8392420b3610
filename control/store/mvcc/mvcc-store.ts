/**
 * A store within this process: the state in memory, a journal behind it. A transaction is done in memory at once and
 * answered when the journal has it; what gathers while the journal writes leaves together (group commit). Readers and
 * watches are shown the last durable revision, which the state still knows.
 */
import { errorText, HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import { checkRange, type KeyRange } from '../key-range.ts';
import type {
  Lease,
  LeaseId,
  RangeOptions,
  RangeResult,
  Store,
  Transaction,
  TransactionResult,
  Watch,
} from '../store.ts';
import { checkLimit, checkRevision, checkTransaction, checkTtl } from '../transaction-check.ts';
import type { Journal, JournalRecord } from './journal.ts';
import { LeaseTimers } from './lease-timers.ts';
import type { MvccState } from './mvcc-state.ts';
import { MvccWatch } from './mvcc-watch.ts';

export interface MvccStoreOptions {
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Revisions whose past is kept at least, unless `bytesMax` is near. */
  readonly retainedRevisions?: number;
  /** Of keys and values with their past; beyond it puts are `store-full`. */
  readonly bytesMax?: number;
  /** Told once, when the journal has failed and nothing more can be done with this store. */
  readonly onFailure?: (error: Error) => void;
}

const RETAINED_REVISIONS = 10_000;
/** Compacted at once: a revision may have changed a hundred keys, and all wait meanwhile. */
const COMPACTED_REVISIONS = 500;
const BYTES_MAX = 1024 * 1024 * 1024;
/** Changes that may wait for the journal. */
const WAITING_MAX = 100_000;
/** Of what the store takes: how much more it takes from what also deletes. */
const FREEING_SHARE = 1 / 16;
const LEASES_MAX = 100_000;

interface Waiting {
  readonly durable: () => void;
  readonly failed: (error: Error) => void;
}

export class MvccStore implements Store {
  readonly #state: MvccState;
  readonly #journal: Journal;
  readonly #options: MvccStoreOptions;
  readonly #timers: LeaseTimers;
  readonly #watches = new Set<MvccWatch>();
  #records: JournalRecord[] = [];
  #waiting: Waiting[] = [];
  #durableRevision: number;
  #writing: Promise<void> | undefined;
  #failure: HoldfastError | undefined;

  constructor(state: MvccState, journal: Journal, options: MvccStoreOptions) {
    this.#state = state;
    this.#journal = journal;
    this.#options = options;
    this.#durableRevision = state.revision;
    this.#timers = new LeaseTimers(options.clock, (id) => this.#expire(id));
    for (const [id, { ttlSeconds }] of state.leases) this.#timers.begin(id, ttlSeconds);
  }

  async transact(transaction: Transaction): Promise<TransactionResult> {
    checkTransaction(transaction);
    this.#admit();
    const operations = [...transaction.then, ...(transaction.otherwise ?? [])];
    const kinds = new Set(operations.map(({ kind }) => kind));
    if (kinds.has('put') && !this.#hasRoom(kinds.has('delete'))) throw new HoldfastError('store-full');
    const { result, records } = this.#state.transact(transaction);
    await this.#write(records);
    return result;
  }

  async range(range: KeyRange, options: RangeOptions = {}): Promise<RangeResult> {
    checkRange(range);
    checkLimit(options.limit);
    checkRevision(options.revision);
    if (this.#failure) throw this.#failure;
    const revision = options.revision ?? this.#durableRevision;
    if (revision > this.#durableRevision)
      throw new HoldfastError('invalid-argument', 'that revision is still to come');
    if (revision < this.#state.compactedRevision) throw new HoldfastError('revision-compacted');
    return this.#state.range(range, revision, options.limit);
  }

  watch(range: KeyRange, fromRevision: number): Watch {
    checkRange(range);
    checkRevision(fromRevision);
    if (this.#failure) throw this.#failure;
    const watch = new MvccWatch(this.#state, range, fromRevision, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    watch.advance(this.#durableRevision);
    return watch;
  }

  async grantLease(ttlSeconds: number): Promise<Lease> {
    checkTtl(ttlSeconds);
    this.#admit();
    if (this.#state.leases.size >= LEASES_MAX) throw new HoldfastError('overloaded', 'too many leases');
    const id = newLeaseId(this.#options.randomness);
    const records = this.#state.grantLease(id, ttlSeconds);
    this.#timers.begin(id, ttlSeconds);
    await this.#write(records);
    return { id, ttlSeconds };
  }

  async keepAlive(lease: LeaseId): Promise<void> {
    if (this.#failure) throw this.#failure;
    const held = this.#state.leases.get(lease);
    if (held === undefined) throw new HoldfastError('lease-unknown');
    this.#timers.begin(lease, held.ttlSeconds);
  }

  async revokeLease(lease: LeaseId): Promise<void> {
    this.#admit();
    const records = this.#state.endLease(lease);
    this.#timers.forget(lease);
    await this.#write(records);
  }

  async compact(revision: number): Promise<void> {
    checkRevision(revision);
    this.#admit();
    if (revision > this.#durableRevision)
      throw new HoldfastError('invalid-argument', 'that revision is still to come');
    await this.#write(this.#state.compact(revision));
  }

  async close(): Promise<void> {
    this.#failure ??= new HoldfastError('store-unavailable', 'the store is closed');
    this.#timers.stop();
    for (const watch of this.#watches) watch.close();
    while (this.#writing) await this.#writing;
    await this.#journal.close();
  }

  #admit(): void {
    if (this.#failure) throw this.#failure;
    if (this.#waiting.length >= WAITING_MAX) throw new HoldfastError('overloaded');
  }

  /** What has passed goes before a put is refused. @param frees what is deleted leaves a note of itself, which has some room of its own. */
  #hasRoom(frees: boolean): boolean {
    const limit = this.#options.bytesMax ?? BYTES_MAX;
    const most = frees ? limit * (1 + FREEING_SHARE) : limit;
    const isFull = (): boolean => this.#state.bytes >= most;
    if (isFull()) this.#keep(this.#state.compact(this.#durableRevision));
    return !isFull();
  }

  /** Resolves when `records`, and all that their maker may have seen, are durable. */
  #write(records: readonly JournalRecord[]): Promise<void> {
    if (records.length === 0 && this.#writing === undefined) return Promise.resolve();
    this.#keep(records);
    return new Promise((durable, failed) => {
      this.#waiting.push({ durable, failed });
      this.#writing ??= this.#writeGroups();
    });
  }

  /** Not spread into a call: a compaction has more records than a call may have arguments. */
  #keep(records: readonly JournalRecord[]): void {
    for (const record of records) this.#records.push(record);
  }

  async #writeGroups(): Promise<void> {
    // What else arrives in this turn of the event loop shares the sync.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      let revision: number;
      try {
        revision = await this.#writeGroup();
      } catch (error) {
        this.#fail(error, [...waiting, ...this.#waiting]);
        break;
      }
      this.#durableRevision = revision;
      for (const { durable } of waiting) durable();
      for (const watch of this.#watches) watch.advance(revision);
    }
    this.#writing = undefined;
  }

  /** Resolves with the revision that is durable then. */
  async #writeGroup(): Promise<number> {
    this.#keep(this.#compactPast());
    const records = this.#records;
    this.#records = [];
    const { revision } = this.#state;
    if (records.length > 0) await this.#journal.write(records, revision);
    return revision;
  }

  /** A part of it at a time, so that what compaction costs is shared by many changes and delays none of them for long. */
  #compactPast(): JournalRecord[] {
    const { compactedRevision } = this.#state;
    const retained = this.#options.retainedRevisions ?? RETAINED_REVISIONS;
    const part = Math.max(1, Math.min(COMPACTED_REVISIONS, retained));
    const isDue = this.#durableRevision - retained >= compactedRevision + part;
    return isDue ? this.#state.compact(compactedRevision + part) : [];
  }

  /** The state is ahead of the disk now and must not be shown to anybody: the process begins anew from the disk. */
  #fail(cause: unknown, waiting: readonly Waiting[]): void {
    this.#waiting = [];
    this.#timers.stop();
    this.#failure = new HoldfastError(
      'store-unavailable',
      `the store's disk has failed: ${errorText(cause)}`,
      {
        cause,
      },
    );
    for (const { failed } of waiting) failed(new HoldfastError('outcome-unknown', undefined, { cause }));
    for (const watch of this.#watches) watch.fail(this.#failure);
    this.#options.onFailure?.(this.#failure);
  }

  #expire(id: LeaseId): void {
    if (this.#failure || !this.#state.leases.has(id)) return;
    // A failure of the journal reaches everybody by `#fail`.
    this.#write(this.#state.endLease(id)).catch(() => {});
  }
}

function newLeaseId(randomness: Randomness): LeaseId {
  const bits = randomness.bytes(8).readBigUInt64BE() >> 1n;
  return (bits === 0n ? 1n : bits).toString() as LeaseId;
}
