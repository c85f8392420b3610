/** The background work of a proxy, as its configuration says. */
import type { SweepConfig } from '#common/config/roles.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Logger } from '#common/log/logger.ts';
import type { OpenCluster } from '#cluster/open-cluster.ts';
import type { BucketDirectory } from '#proxy/buckets/bucket-directory.ts';
import { Expiry } from './expiry.ts';
import { Sweep } from './sweep.ts';

export function startSweep(cluster: OpenCluster, clock: Clock, log: Logger, config: SweepConfig): Sweep {
  const settings = {
    intervalMs: config.intervalSeconds * 1000,
    reclaimMs: config.reclaimSeconds * 1000,
  };
  const sweep = new Sweep({ cluster, upkeep: cluster.upkeep, clock, log, settings });
  sweep.start();
  return sweep;
}

export interface ExpiryParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly directory: BucketDirectory;
  readonly config: SweepConfig;
}

/** To be started behind the sweep, which makes the process one of the living. */
export function startExpiry(cluster: OpenCluster, { config, ...parts }: ExpiryParts): Expiry {
  const expiry = new Expiry({
    ...parts,
    cluster,
    intervalMs: config.expirySeconds * 1000,
    isElected: async () => (await cluster.upkeep.livingWriters()).isFirst,
  });
  expiry.start();
  return expiry;
}
