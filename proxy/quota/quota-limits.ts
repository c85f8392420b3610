/** What an account and a bucket may hold, at most a second old. */
import type { Cluster } from '#cluster/cluster.ts';
import type { SpaceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import {
  DEFAULT_QUOTAS_SPACE,
  decodeQuotas,
  quotaKey,
  type StoredQuotas,
  UNLIMITED,
} from '#control/protocol/quota-record.ts';
import type { AccountStore } from '#proxy/accounts/account-store.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { amountNames, type AmountName, type Limits, strictest } from './amounts.ts';

const RECENT_MS = 1000;
const RECENT_MAX = 10_000;

interface KnownLimits {
  readonly limits: Limits;
  /** Monotonic milliseconds, from before the oldest of the reads that it was made of. */
  readonly readAtMs: number;
  /** The account store's, from before them. */
  readonly changes: number;
}

interface Recent {
  readonly quotas: Promise<StoredQuotas>;
  /** Monotonic milliseconds, from before the read. */
  readonly readAtMs: number;
}

export class QuotaLimits {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #accounts: AccountStore;
  readonly #recent = new Map<SpaceId, Recent>();
  readonly #known = new Map<SpaceId, KnownLimits>();

  constructor(cluster: Cluster, clock: Clock, accounts: AccountStore) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#accounts = accounts;
  }

  /** What `ofAccount` would give, where that takes no reading. */
  known(account: SpaceId): Limits | undefined {
    const known = this.#known.get(account);
    if (known === undefined || known.changes !== this.#accounts.changes) return undefined;
    return this.#clock.monotonicMs() - known.readAtMs < RECENT_MS ? known.limits : undefined;
  }

  async ofAccount(account: SpaceId): Promise<Limits> {
    const { changes } = this.#accounts;
    const ownRead = this.#quotas(account);
    const defaultRead = this.#quotas(DEFAULT_QUOTAS_SPACE);
    const [own, byDefault, { record, readAtMs }] = await Promise.all([
      ownRead.quotas,
      defaultRead.quotas,
      this.#accounts.recent(account),
    ]);
    const limits = combined(own, byDefault, record?.metadata['quota-bytes']);
    if (this.#known.size >= RECENT_MAX) this.#known.clear();
    this.#known.set(account, {
      limits,
      readAtMs: Math.min(ownRead.readAtMs, defaultRead.readAtMs, readAtMs),
      changes,
    });
    return limits;
  }

  #quotas(account: SpaceId): Recent {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#recent.get(account);
    if (known !== undefined && nowMs - known.readAtMs < RECENT_MS) return known;
    const quotas = this.#read(account);
    if (this.#recent.size >= RECENT_MAX) this.#recent.clear();
    const recent = { quotas, readAtMs: nowMs };
    this.#recent.set(account, recent);
    quotas.catch(() => {
      if (this.#recent.get(account) === recent) this.#recent.delete(account);
    });
    return recent;
  }

  async #read(account: SpaceId): Promise<StoredQuotas> {
    const stored = await this.#cluster.records.read(quotaKey(account));
    return stored === undefined ? {} : decodeQuotas(stored.content);
  }
}

function combined(own: StoredQuotas, byDefault: StoredQuotas, accountBytes: string | undefined): Limits {
  const limits: Partial<Record<AmountName, number>> = {};
  for (const name of amountNames) {
    const limit = own[name] ?? byDefault[name] ?? UNLIMITED;
    if (limit !== UNLIMITED) limits[name] = limit;
  }
  return strictest(limits, limitsIn({ bytes: accountBytes }));
}

/** As the bucket was last read: its quotas are Swift's metadata of the container. */
export function limitsOfBucket({ container }: Pick<BucketRecord, 'container'>): Limits {
  return limitsIn({ bytes: container?.metadata['quota-bytes'], objects: container?.metadata['quota-count'] });
}

function limitsIn(texts: Readonly<Partial<Record<AmountName, string | undefined>>>): Limits {
  const limits: Partial<Record<AmountName, number>> = {};
  for (const name of amountNames) {
    const text = texts[name];
    if (text !== undefined && text !== '') limits[name] = Number(text);
  }
  return limits;
}
