/** Accounts' own metadata: read and changed, each as one linearizable step. */
import type { Cluster } from '#cluster/cluster.ts';
import { ballotTimeMs } from '#common/ballot.ts';
import type { SpaceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import { accountKey, type AccountRecord, decodeAccount, encodeAccount } from './account-record.ts';

const RECENT_MS = 1000;
const RECENT_ACCOUNTS_MAX = 10_000;

export interface RecentAccount {
  readonly record: AccountRecord | undefined;
  /** Monotonic milliseconds, from before the read. */
  readonly readAtMs: number;
}

export class AccountStore {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #recent = new Map<SpaceId, RecentAccount>();
  #changes = 0;

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  /** Rises with every change made here: what was concluded from accounts before it is to be asked again. */
  get changes(): number {
    return this.#changes;
  }

  /** The same, at most a second old: for what is asked of every request. */
  async readRecent(account: SpaceId): Promise<AccountRecord | undefined> {
    return (await this.recent(account)).record;
  }

  /** The same, with its age. */
  async recent(account: SpaceId): Promise<RecentAccount> {
    const cached = this.#recent.get(account);
    const nowMs = this.#clock.monotonicMs();
    if (cached !== undefined && nowMs - cached.readAtMs < RECENT_MS) return cached;
    const recent = { record: await this.read(account), readAtMs: nowMs };
    if (this.#recent.size >= RECENT_ACCOUNTS_MAX) this.#recent.clear();
    this.#recent.set(account, recent);
    return recent;
  }

  /** Undefined for an account that has been given nothing yet. */
  async read(account: SpaceId): Promise<AccountRecord | undefined> {
    const stored = await this.#cluster.records.read(accountKey(account));
    return stored === undefined ? undefined : decodeAccount(stored.content);
  }

  /** @param change may be called more than once; what it throws passes through, with nothing written. */
  async change(
    account: SpaceId,
    change: (current: AccountRecord) => Pick<AccountRecord, 'metadata' | 'settings'>,
  ): Promise<void> {
    await this.#cluster.records.mutate(accountKey(account), (stored, ballot) => {
      const fresh = { metadata: {}, settings: {}, createdMs: ballotTimeMs(ballot) };
      const current = stored === undefined ? fresh : decodeAccount(stored.content);
      return { action: 'write', ...encodeAccount({ ...current, ...change(current) }), result: undefined };
    });
    this.#changes += 1;
    this.#recent.delete(account);
  }
}
