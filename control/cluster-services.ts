/** What the control role does with the cluster that holds the objects: sums up what is used, and sets what may be held. */
import type { Clock } from '#common/io/clock.ts';
import { realNetwork } from '#common/io/real-network.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import { openCluster } from '#cluster/open-cluster.ts';
import type { RingSource } from '#ring/live-ring.ts';
import type { Route } from './api/route.ts';
import { Aggregator } from './metering/aggregate.ts';
import { usageRoutes } from './metering/usage-routes.ts';
import { QuotaBook } from './quota/quota-book.ts';
import { QuotaLedger } from './quota/quota-ledger.ts';
import { quotaRoutes } from './quota/quota-routes.ts';
import { unifiedLimitRoutes } from './quota/unified-limits.ts';
import type { Store } from './store/store.ts';

export interface ClusterServicesParts {
  readonly rings: RingSource;
  readonly clusterKey: Buffer;
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
}

export interface ClusterServices {
  /** Below `/v1`. */
  readonly routes: readonly Route[];
  /** Below `/v3`, besides identity's. */
  readonly limitRoutes: readonly Route[];
  close(): Promise<void>;
}

/** Needs no device to answer: what asks the cluster fails, or waits, until there is a majority. */
export async function openClusterServices(parts: ClusterServicesParts): Promise<ClusterServices> {
  const { rings, clusterKey, store, clock, randomness, log } = parts;
  const cluster = await openCluster({ network: realNetwork(), clock, randomness, clusterKey, rings });
  const aggregator = new Aggregator({ cluster, store, clock, log });
  aggregator.start();
  const quotas = { book: new QuotaBook(store, cluster), ledger: new QuotaLedger(store) };
  return {
    routes: [...usageRoutes(() => cluster), ...quotaRoutes(() => quotas)],
    limitRoutes: unifiedLimitRoutes(() => quotas),
    async close() {
      await aggregator.close();
      await cluster.close();
    },
  };
}
