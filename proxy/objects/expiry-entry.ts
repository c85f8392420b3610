/** Has the entry of an object that is to expire written before the object: docs/formats/expiry-record.md, "Order of steps". */
import type { Cluster } from '#cluster/cluster.ts';
import { type Ballot, ballotTimeMs } from '#common/ballot.ts';
import { HoldfastError } from '#common/errors.ts';
import type { WriteLease } from './bucket-access.ts';
import { encodeExpiry, expiryKey } from './expiry-record.ts';

/** How old an entry may be when the write that it announces is decided. */
export const ENTRY_FRESH_MS = 30_000;
/** How old an entry must be before it is acted on; longer, because a decision takes its time to become durable. */
export const ENTRY_SETTLED_MS = 60_000;
const ATTEMPTS_MAX = 8;

/** Thrown by a decision whose entry is not there yet, or is too old: nothing is written. */
class EntryNeeded extends Error {
  readonly deleteAtSeconds: number;

  constructor(deleteAtSeconds: number) {
    super('the entry of an object that expires goes first');
    this.deleteAtSeconds = deleteAtSeconds;
  }
}

/** What one write knows of its entry. */
export class AnnouncedExpiry {
  readonly #cluster: Cluster;
  readonly #lease: WriteLease;
  readonly #name: string;
  #deleteAtSeconds: number | undefined;
  #queuedMs = 0;

  constructor(cluster: Cluster, lease: WriteLease, name: string) {
    this.#cluster = cluster;
    this.#lease = lease;
    this.#name = name;
  }

  /** To be called in the decision, for what it is about to write under `ballot`. */
  assertAnnounced(deleteAtSeconds: number | undefined, ballot: Ballot): void {
    if (deleteAtSeconds === undefined) return;
    const isFresh = ballotTimeMs(ballot) - this.#queuedMs <= ENTRY_FRESH_MS;
    if (deleteAtSeconds !== this.#deleteAtSeconds || !isFresh) throw new EntryNeeded(deleteAtSeconds);
  }

  /** Runs a mutation whose decision asserts, and again when the entry that it asked for is there. */
  async before<Result>(mutate: () => Promise<Result>): Promise<Result> {
    for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
      try {
        return await mutate();
      } catch (error) {
        if (!(error instanceof EntryNeeded)) throw error;
        await this.#announce(error.deleteAtSeconds);
      }
    }
    throw new HoldfastError('overloaded', 'the time at which the object expires changes too fast');
  }

  async #announce(deleteAtSeconds: number): Promise<void> {
    const { address, bucket } = this.#lease;
    const key = expiryKey({ deleteAtSeconds, bucketId: bucket.bucketId, name: this.#name });
    this.#queuedMs = await this.#cluster.records.mutate(key, (_, ballot) => {
      const queuedMs = ballotTimeMs(ballot);
      return { action: 'write', ...encodeExpiry({ bucket: address, queuedMs }), result: queuedMs };
    });
    this.#deleteAtSeconds = deleteAtSeconds;
  }
}
