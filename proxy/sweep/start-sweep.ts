/** The sweep of a proxy, as its configuration says. */
import type { SweepConfig } from '#common/config/roles.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Logger } from '#common/log/logger.ts';
import type { OpenCluster } from '#cluster/open-cluster.ts';
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
