/**
 * Group commit: entries that gather while a sync runs leave in one write and one sync.
 *
 * Copies of compaction and purges go first in their group, admitted at the moment when the index knows every earlier
 * group: that makes "the last entry of a key counts" true of the log (docs/formats/log.md, the order of writes).
 */
import { HoldfastError } from '#common/errors.ts';
import type { EncodedEntry } from './log-format.ts';

export const GROUP_BYTES_MAX = 8 * 1024 * 1024;
const GROUP_ENTRIES_MAX = 4096;
/** What may wait; beyond it callers are told to slow down. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;

/** In the order in which they stand in a group. */
export const lanes = { copy: 0, purge: 1, write: 2 } as const;
export type Lane = (typeof lanes)[keyof typeof lanes];

/** Where an entry was put. */
export type Placed = (segment: number, offset: number, length: number) => void;

export interface Submission {
  readonly entry: EncodedEntry;
  /** Asked as the group is formed; false drops the entry. */
  readonly admit: (() => boolean) | undefined;
  /** Called when the entry is durable, in the log's order, before the submitter hears. */
  readonly placed: Placed;
}

interface Waiting extends Submission {
  readonly resolve: (written: boolean) => void;
  readonly reject: (error: Error) => void;
}

export interface GroupCommitOptions {
  /** Writes and syncs; calls every entry's `placed`. What it throws is what the submitters get. */
  readonly writeGroup: (group: readonly Submission[], bytes: number) => Promise<void>;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #lanes: [Waiting[], Waiting[], Waiting[]] = [[], [], []];
  #queuedBytes = 0;
  #running = false;
  #closed = false;
  #idle = Promise.withResolvers<void>();

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Resolves when the entry is durable: true, or false when it was not admitted. */
  submit(lane: Lane, submission: Submission): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const { entry, admit, placed } = submission;
      if (this.#closed) return reject(new HoldfastError('device-failed', 'the device is closed'));
      if (this.#queuedBytes + entry.length > QUEUE_BYTES_MAX) return reject(new HoldfastError('overloaded'));
      this.#queuedBytes += entry.length;
      this.#lanes[lane].push({ entry, admit, placed, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      this.#idle = Promise.withResolvers<void>();
      // The group forms when this turn of the event loop is over: what arrives in it shares the sync.
      setImmediate(() => void this.#run());
    });
  }

  /** Resolves when everything submitted so far has been answered; nothing is accepted any more. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running) await this.#idle.promise;
  }

  async #run(): Promise<void> {
    while (this.#queuedBytes > 0) {
      const group = this.#form();
      // A group begins only when the one before it is durable.
      if (group.length > 0) await this.#commit(group);
    }
    this.#running = false;
    this.#idle.resolve();
  }

  #form(): Waiting[] {
    const group: Waiting[] = [];
    let bytes = 0;
    for (const lane of this.#lanes) {
      let taken = 0;
      for (const waiting of lane) {
        const full = bytes + waiting.entry.length > GROUP_BYTES_MAX || group.length === GROUP_ENTRIES_MAX;
        if (full && group.length > 0) break;
        taken += 1;
        this.#queuedBytes -= waiting.entry.length;
        if (!isAdmitted(waiting)) continue;
        group.push(waiting);
        bytes += waiting.entry.length;
      }
      if (taken === lane.length) lane.length = 0;
      else lane.splice(0, taken);
    }
    return group;
  }

  async #commit(group: Waiting[]): Promise<void> {
    let bytes = 0;
    for (const { entry } of group) bytes += entry.length;
    try {
      await this.#options.writeGroup(group, bytes);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      for (const { reject } of group) reject(reason);
      return;
    }
    for (const { resolve } of group) resolve(true);
  }
}

/** Asks whether the entry is still wanted, and answers its submitter when it is not. */
function isAdmitted(waiting: Waiting): boolean {
  try {
    if (!waiting.admit || waiting.admit()) return true;
    waiting.resolve(false);
  } catch (error) {
    waiting.reject(error instanceof Error ? error : new Error(String(error)));
  }
  return false;
}
