/** The limits of projects, wherever they stand: in the control store, or in the cluster, where the proxies read them. */
import type { Cluster } from '#cluster/cluster.ts';
import { isSpaceId, type SpaceId, spaceId } from '#common/ids.ts';
import { accountUsage } from '../protocol/account-usage.ts';
import {
  DEFAULT_QUOTAS_SPACE,
  decodeQuotas,
  encodeQuotas,
  quotaKey,
  type StoredQuotaName,
} from '../protocol/quota-record.ts';
import { getEntry, update } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import { isStored, type QuotaName, quotaCatalogue, quotaNames } from './quota-catalogue.ts';
import { DEFAULT_LIMITS_KEY, decodeAmounts, encodeAmounts, limitsKey } from './quota-entries.ts';

/** Limits by name; what is left out is not said. */
export type Limits = Readonly<Partial<Record<QuotaName, number>>>;
/** null takes back what was said. */
export type LimitChanges = Readonly<Partial<Record<QuotaName, number | null>>>;

/** `default` stands for every project that says nothing of its own. */
export type Subject = SpaceId | 'default';

export class QuotaBook {
  readonly #store: Store;
  readonly #cluster: Pick<Cluster, 'records' | 'listings'>;

  constructor(store: Store, cluster: Pick<Cluster, 'records' | 'listings'>) {
    this.#store = store;
    this.#cluster = cluster;
  }

  /** What has been said of it. */
  async read(subject: Subject): Promise<Limits> {
    const [counted, stored] = await Promise.all([
      getEntry(this.#store, storeKey(subject)),
      this.#cluster.records.read(quotaKey(spaceOf(subject))),
    ]);
    return {
      ...decodeAmounts(counted?.value),
      ...(stored === undefined ? {} : decodeQuotas(stored.content)),
    };
  }

  /** What the project has in the object store, exactly, as the index's own counters have it. */
  async stored(project: SpaceId): Promise<Record<StoredQuotaName, number>> {
    const { bytes, objects, containers } = await accountUsage(this.#cluster, project);
    return { bytes, objects, containers };
  }

  /** What holds by default, for every quota. */
  async defaults(): Promise<Record<QuotaName, number>> {
    const said = await this.read('default');
    const each = (name: QuotaName) => [name, said[name] ?? quotaCatalogue[name].limit];
    return Object.fromEntries(quotaNames.map(each)) as Record<QuotaName, number>;
  }

  /** Limits that are lowered below what there is take nothing away. */
  async change(subject: Subject, changes: LimitChanges): Promise<void> {
    const names = quotaNames.filter((name) => changes[name] !== undefined);
    if (names.some((name) => !isStored(name))) {
      await update(this.#store, storeKey(subject), (entry) =>
        encodeAmounts(merged(decodeAmounts(entry?.value), changes, (name) => !isStored(name))),
      );
    }
    if (!names.some(isStored)) return;
    await this.#cluster.records.mutate(quotaKey(spaceOf(subject)), (current) => {
      const before = current === undefined ? {} : decodeQuotas(current.content);
      const limits = merged(before, changes, isStored);
      return { action: 'write', ...encodeQuotas(limits, current?.content), result: undefined };
    });
  }
}

function storeKey(subject: Subject): string {
  return subject === 'default' ? DEFAULT_LIMITS_KEY : limitsKey(subject);
}

function spaceOf(subject: Subject): SpaceId {
  return subject === 'default' ? DEFAULT_QUOTAS_SPACE : subject;
}

function merged(before: Limits, changes: LimitChanges, concerns: (name: QuotaName) => boolean): Limits {
  const limits: Partial<Record<QuotaName, number>> = { ...before };
  for (const name of quotaNames) {
    const limit = changes[name];
    if (limit === undefined || !concerns(name)) continue;
    if (limit === null) delete limits[name];
    else limits[name] = limit;
  }
  return limits;
}

/** Undefined for what is no project's id. */
export function subjectOf(text: string): SpaceId | undefined {
  return isSpaceId(text) && text !== DEFAULT_QUOTAS_SPACE ? spaceId(text) : undefined;
}
