/** Accounts' own metadata: read and changed, each as one linearizable step. */
import type { Cluster } from '#cluster/cluster.ts';
import { ballotTimeMs } from '#common/ballot.ts';
import type { SpaceId } from '#common/ids.ts';
import { accountKey, type AccountRecord, decodeAccount, encodeAccount } from './account-record.ts';

export class AccountStore {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
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
  }
}
