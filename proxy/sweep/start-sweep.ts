/** The background work of a proxy, as its configuration says. */
import type { SweepConfig } from '#common/config/roles.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Logger } from '#common/log/logger.ts';
import type { OpenCluster } from '#cluster/open-cluster.ts';
import type { BucketDirectory } from '#proxy/buckets/bucket-directory.ts';
import type { LifecycleFigures } from '#proxy/lifecycle/apply-rules.ts';
import { nothingApplied, walkBuckets } from '#proxy/lifecycle/walk-buckets.ts';
import { ElectedPass, type ElectedWork } from './elected-pass.ts';
import type { ExpiryFigures } from './expire-objects.ts';
import { expiryWork } from './expiry.ts';
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

export interface RemovalParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly directory: BucketDirectory;
  readonly config: SweepConfig;
}

export interface Removals {
  readonly expiry: ElectedPass<ExpiryFigures>;
  readonly lifecycle: ElectedPass<LifecycleFigures>;
}

/** What removes objects when their time is over. To be started behind the sweep, which makes the process one of the living. */
export function startRemovals(
  cluster: OpenCluster,
  { config, clock, log, directory }: RemovalParts,
): Removals {
  const isElected = async () => (await cluster.upkeep.livingWriters()).isFirst;
  const expiryMs = config.expirySeconds * 1000;
  const dayMs = config.daySeconds * 1000;
  const shared = { clock, log, isElected };
  const context = { cluster, directory, clock };
  const lifecycle: ElectedWork<LifecycleFigures> = {
    name: 'lifecycle',
    none: nothingApplied,
    run: (figures, pace) => walkBuckets({ ...context, dayMs }, figures, pace),
  };
  const removals = {
    expiry: new ElectedPass(expiryWork(context), { ...shared, firstMs: expiryMs, intervalMs: expiryMs }),
    // Soon after a start: how long ago the last walk was is not remembered, and a walk too many does no harm.
    lifecycle: new ElectedPass(lifecycle, {
      ...shared,
      firstMs: Math.min(dayMs, config.intervalSeconds * 1000),
      intervalMs: dayMs,
    }),
  };
  removals.expiry.start();
  removals.lifecycle.start();
  return removals;
}
